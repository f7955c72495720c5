// 31: weights formed again from the log-sum-exp, and the gradients of attention tile by tile.
#include <torch/autograd.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <vector>

#include "notebooks-cpp/exercises/grader/exercise.h"
#include "notebooks-cpp/exercises/grader/value.h"

namespace exercises::exercise_31 {
namespace {

torch::Tensor tensor_or_none(const Value& value) {
  return value.isNone() ? torch::Tensor() : value.toTensor();
}

/// Output and log-sum-exp, all weights at once.
std::tuple<torch::Tensor, torch::Tensor> forward(const torch::Tensor& q, const torch::Tensor& k,
                                                 const torch::Tensor& v, const torch::Tensor& mask,
                                                 double scale) {
  auto scores = q.matmul(k.transpose(-2, -1)) * scale;
  torch::Tensor hidden = torch::zeros({1}, torch::kBool);
  if (mask.defined()) hidden = mask.logical_not();
  const auto low = scores.masked_fill(hidden, -1e30);
  const auto weights = torch::softmax(low, -1).masked_fill(hidden, 0.0);
  return {weights.matmul(v), scores.masked_fill(hidden, -INFINITY).logsumexp(-1)};
}

torch::Tensor row_delta(const torch::Tensor& y, const torch::Tensor& dy, const Faults& faults) {
  if (faults["delta-mean"]) return (y * dy).mean(-1);
  return (y * dy).sum(-1);
}

torch::Tensor tile_weights(const torch::Tensor& q, const torch::Tensor& k,
                           const torch::Tensor& mask, double scale, const torch::Tensor& log_sum,
                           const Faults& faults) {
  auto scores = q.matmul(k.transpose(-2, -1));
  if (!faults["unscaled-scores"]) scores = scores * scale;
  const bool masked = mask.defined() && !faults["mask-ignored"];
  if (faults["softmax-of-the-tile"] || faults["empty-row-nan"]) {
    if (masked) scores = scores.masked_fill(mask.logical_not(), -INFINITY);
    if (faults["softmax-of-the-tile"]) return torch::softmax(scores, -1).nan_to_num(0.0);
    return (scores - log_sum.unsqueeze(-1)).exp();
  }
  if (!faults["without-log-sum"]) scores = scores - log_sum.unsqueeze(-1);
  return masked ? scores.exp().masked_fill(mask.logical_not(), 0.0) : scores.exp();
}

Value flash_backward(const Probe& probe, const Faults& faults) {
  const auto q = probe.tensor(0), k = probe.tensor(1), v = probe.tensor(2);
  const auto mask = tensor_or_none(probe.arguments[3]);
  const double scale = probe.real(4);
  const auto y = probe.tensor(5), log_sum = probe.tensor(6), dy = probe.tensor(7);
  const int64_t row_step = probe.integer(8), key_step = probe.integer(9);
  const int64_t T = q.size(-2), S = k.size(-2);
  const int64_t last = faults["last-keys-dropped"] ? S / key_step * key_step : S;
  auto delta = row_delta(y, dy, faults).unsqueeze(-1);
  if (faults["delta-forgotten"]) delta = torch::zeros_like(delta);
  const auto dq = torch::zeros_like(q), dk = torch::zeros_like(k), dv = torch::zeros_like(v);
  const auto store = [](const torch::Tensor& to, const torch::Tensor& from, bool overwrite) {
    overwrite ? to.copy_(from) : to.add_(from);
  };
  for (int64_t s = 0; s < last; s += key_step)
    for (int64_t t = 0; t < T; t += row_step) {
      const int64_t keys = std::min(key_step, S - s), rows = std::min(row_step, T - t);
      const auto q_tile = q.narrow(-2, t, rows), k_tile = k.narrow(-2, s, keys);
      const auto v_tile = v.narrow(-2, s, keys), dy_tile = dy.narrow(-2, t, rows);
      torch::Tensor visible;
      const bool still = faults["mask-not-moved"];
      if (mask.defined())
        visible = mask.narrow(-2, still ? 0 : t, rows).narrow(-1, still ? 0 : s, keys);
      const auto weights =
          tile_weights(q_tile, k_tile, visible, scale, log_sum.narrow(-1, t, rows), faults);
      const auto dweights = dy_tile.matmul(v_tile.transpose(-2, -1));
      auto away = delta.narrow(-2, t, rows);
      if (faults["delta-of-the-tile"]) away = (weights * dweights).sum(-1, true);
      auto dscores = weights * (dweights - away);
      if (!faults["gradients-unscaled"]) dscores = dscores * scale;
      store(dq.narrow(-2, t, rows), dscores.matmul(k_tile), faults["dq-overwritten"]);
      store(dk.narrow(-2, s, keys), dscores.transpose(-2, -1).matmul(q_tile),
            faults["dk-dv-overwritten"]);
      const auto left = faults["dv-from-dscores"] ? dscores : weights;
      store(dv.narrow(-2, s, keys), left.transpose(-2, -1).matmul(dy_tile),
            faults["dk-dv-overwritten"]);
    }
  return std::make_tuple(dq, dk, dv);
}

Value reference(const Probe& probe, const Faults& faults) {
  if (probe.function == "row_delta") return row_delta(probe.tensor(0), probe.tensor(1), faults);
  if (probe.function == "flash_backward") return flash_backward(probe, faults);
  return tile_weights(probe.tensor(0), probe.tensor(1), tensor_or_none(probe.arguments[2]),
                      probe.real(3), probe.tensor(4), faults);
}

std::string first_number(const torch::Tensor& tensor) {
  return tensor.numel() ? describe_number(tensor.reshape({-1})[0].item<double>()) : "nothing";
}
std::string sums(const Probe& probe, const Value& answer) {
  if (probe.function != "tile_weights") return "the gradients follow other weights";
  return "the first query's weights sum to " + first_number(answer.toTensor().sum(-1));
}
/// Keys that are moved together change no weight: their gradients sum to 0.
std::string dk_sum(const Probe&, const Value& answer) {
  const auto dk = answer.toTupleRef().elements()[1].toTensor();
  const auto total = dk.sum(-2).abs().max().item<double>() / dk.abs().max().item<double>();
  return "the sum of dk over all keys is " + describe_number(total) +
         " of its largest number, where it should be 0";
}

Exercise make() {
  torch::manual_seed(31);
  const auto random = [](at::IntArrayRef sizes) { return torch::randn(sizes) * 1.5; };
  const auto backward = [&](const std::string& what, const torch::Tensor& q, const torch::Tensor& k,
                            const torch::Tensor& v, const torch::Tensor& mask, double scale,
                            int64_t rows, int64_t keys) {
    const auto [y, log_sum] = forward(q, k, v, mask, scale);
    return Probe{"flash_backward",
                 what,
                 {q, k, v, mask.defined() ? Value(mask) : Value(), scale, y, log_sum,
                  torch::randn(y.sizes()), rows, keys}};
  };
  const auto part = [&](const std::string& what, const torch::Tensor& q, const torch::Tensor& k,
                        const torch::Tensor& mask, double scale, int64_t first, int64_t count) {
    const auto log_sum = std::get<1>(forward(q, k, k, mask, scale));
    const auto tile = mask.defined() ? Value(mask.narrow(-1, first, count)) : Value();
    return Probe{"tile_weights", what, {q, k.narrow(-2, first, count), tile, scale, log_sum}};
  };
  /// For limits of memory alone: what was computed forward does not matter.
  const auto large = [&](const std::string& what, int64_t T, int64_t S) {
    return Probe{"flash_backward",
                 what,
                 {random({T, 8}), random({S, 8}), random({S, 8}), Value(), 0.35, random({T, 8}),
                  torch::full({T}, 12.0), random({T, 8}), int64_t{64}, int64_t{128}}};
  };
  const auto none = torch::Tensor();
  const auto q = random({7, 3}), k = random({5, 3}), v = random({5, 3});
  const auto self_q = random({9, 4}), self_k = random({9, 4}), self_v = random({9, 4});
  const auto causal = torch::ones({9, 9}, torch::kBool).tril();
  auto ragged = torch::rand({2, 5, 7}) > 0.4;
  ragged[0][3] = false;
  ragged[1][1][6] = true;
  const auto batch_q = random({2, 5, 3}), batch_k = random({2, 7, 3}), batch_v = random({2, 7, 3});
  const auto wide = random({6, 10, 2}).transpose(0, 1);
  return {
      .name = "31_flash_backward",
      .reference = reference,
      .faults = {{"delta-mean"},
                 {"softmax-of-the-tile", sums},
                 {"without-log-sum", sums},
                 {"unscaled-scores", sums},
                 {"mask-ignored", sums},
                 {"empty-row-nan"},
                 {"delta-forgotten", dk_sum},
                 {"delta-of-the-tile"},
                 {"gradients-unscaled"},
                 {"dq-overwritten"},
                 {"dk-dv-overwritten"},
                 {"dv-from-dscores"},
                 {"mask-not-moved"},
                 {"last-keys-dropped", {}, true}},
      .checks = {
          {"31.1",
           Kind::kValues,
           1,
           "y times dy for each query",
           {{"row_delta", "5 queries, width 3", {random({5, 3}), random({5, 3})}},
            {"row_delta", "2 heads, 4 queries, width 6", {random({2, 4, 6}), random({2, 4, 6})}}}},
          {"31.2",
           Kind::kValues,
           1,
           "weights of a tile",
           {{"tile_weights",
             "scores ln 1 and ln 3, the second key",
             {torch::tensor({{std::log(3.0f)}}), torch::tensor({{1.0f}}), Value(), 1.0,
              torch::tensor({std::log(4.0f)})}},
            part("7 queries, keys 0 to 1 of 5", q, k, none, 0.7, 0, 2),
            part("7 queries, all 5 keys", q, k, none, 0.7, 0, 5)}},
          {"31.2",
           Kind::kOddSizes,
           1,
           "hidden keys, and a query that sees nothing",
           {part("9 queries, keys 4 to 6 of 9, causal", self_q, self_k, causal, 0.4, 4, 3),
            part("query 3 sees nothing", batch_q, batch_k, ragged, 0.6, 2, 3),
            part("1 query, 1 key", random({1, 1}), random({1, 1}), none, 1.3, 0, 1)}},
          {"31.3",
           Kind::kShape,
           1,
           "gradients shaped as q, k and v",
           {backward("7 queries, 5 keys", q, k, v, none, 0.7, 4, 2),
            backward("2 sequences of 3 heads", random({2, 3, 5, 4}), random({2, 3, 7, 4}),
                     random({2, 3, 7, 4}), none, 0.5, 2, 3)}},
          {"31.3",
           Kind::kValues,
           2,
           "dq, dk and dv",
           {backward("7 queries, 5 keys, one tile", q, k, v, none, 0.7, 7, 5),
            backward("7 queries, 5 keys, tiles of 4 x 2", q, k, v, none, 0.7, 4, 2),
            backward("2 heads, 5 queries, 7 keys, tiles of 2 x 3", batch_q, batch_k, batch_v, none,
                     0.577, 2, 3)}},
          {"31.3",
           Kind::kValues,
           1,
           "with a mask",
           {backward("9 queries, 9 keys, causal, tiles of 3 x 3", self_q, self_k, self_v, causal,
                     0.4, 3, 3),
            backward("9 queries, 9 keys, causal, tiles of 4 x 2", self_q, self_k, self_v, causal,
                     0.4, 4, 2)}},
          {"31.3",
           Kind::kOddSizes,
           1,
           "a query that sees nothing, tiles of one, no keys, strides",
           {backward("a mask, a query that sees nothing", batch_q, batch_k, batch_v, ragged, 0.6, 2,
                     3),
            backward("tiles larger than the sequence", q, k, v, none, 0.7, 64, 64),
            backward("tiles of 1 x 1", q, k, v, none, 0.7, 1, 1),
            backward("3 queries, no keys", random({3, 2}), torch::zeros({0, 2}),
                     torch::zeros({0, 2}), none, 0.7, 2, 2),
            backward("heads that lie apart in memory", wide, wide + 0.5, wide.sin(), none, 0.7, 4,
                     3)}},
          {.part = "31.3",
           .kind = Kind::kSideEffects,
           .marks = 2,
           .title = "arguments stay as they were; less than 16 MB more",
           .probes = {backward("9 queries, 9 keys, causal", self_q, self_k, self_v, causal, 0.4, 4,
                               2),
                      large("3,000 queries, 3,000 keys", 3000, 3000),
                      large("64 queries, 90,000 keys", 64, 90000)},
           .seconds = 5,
           .megabytes = 16},
      }};
}

const bool added = add_exercise(make);

}  // namespace
}  // namespace exercises::exercise_31
