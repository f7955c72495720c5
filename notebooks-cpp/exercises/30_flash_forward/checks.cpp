// 30: one tile added to the running softmax, and attention tile by tile.
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <vector>

#include "notebooks-cpp/exercises/grader/exercise.h"
#include "notebooks-cpp/exercises/grader/value.h"

namespace exercises::exercise_30 {
namespace {

using Three = std::tuple<torch::Tensor, torch::Tensor, torch::Tensor>;

Three add_tile(const torch::Tensor& scores, const torch::Tensor& v, const torch::Tensor& row_max,
               const torch::Tensor& row_sum, const torch::Tensor& output, const Faults& faults) {
  const auto tile_max = scores.amax(-1, true);
  const auto new_max = faults["max-of-the-tile"] ? tile_max : torch::maximum(row_max, tile_max);
  const auto shift =
      faults["empty-tile-nan"] ? new_max : new_max.masked_fill(new_max == -INFINITY, 0.0);
  auto rescale = (row_max - shift).exp();
  if (faults["rescale-inverted"]) rescale = (shift - row_max).exp();
  auto weights = (scores - shift).exp();
  auto sum = weights.sum(-1, true);
  if (faults["divided-in-the-tile"]) weights = weights / sum;
  return {new_max, (faults["sum-not-rescaled"] ? row_sum : row_sum * rescale) + sum,
          (faults["output-not-rescaled"] ? output : output * rescale) + weights.matmul(v)};
}

Value flash_forward(const Probe& probe, const Faults& faults) {
  const auto q = probe.tensor(0), k = probe.tensor(1), v = probe.tensor(2);
  const auto mask = probe.arguments[3].isNone() || faults["mask-ignored"]
                        ? torch::Tensor()
                        : probe.arguments[3].toTensor();
  const double scale =
      faults["own-scale"] ? 1 / std::sqrt(static_cast<double>(q.size(-1))) : probe.real(4);
  const int64_t T = q.size(-2), S = k.size(-2), row_step = probe.integer(5),
                key_step = probe.integer(6);
  const int64_t last = faults["last-keys-dropped"] ? S / key_step * key_step : S;
  std::vector<torch::Tensor> outputs, logs;
  for (int64_t t = 0; t < T; t += row_step) {
    const int64_t rows = std::min(row_step, T - t);
    const auto q_rows = q.narrow(-2, t, rows) * scale;
    auto output = torch::zeros_like(q_rows), sum = torch::zeros_like(q_rows.narrow(-1, 0, 1));
    auto top = torch::full_like(sum, -INFINITY);
    for (int64_t s = 0; s < last; s += key_step) {
      const int64_t keys = std::min(key_step, S - s);
      auto scores = q_rows.matmul(k.narrow(-2, s, keys).transpose(-2, -1));
      if (mask.defined()) {
        const bool still = faults["mask-not-moved"];
        const auto see = mask.narrow(-2, still ? 0 : t, rows).narrow(-1, still ? 0 : s, keys);
        scores = scores.masked_fill(see.logical_not(), -INFINITY);
      }
      std::tie(top, sum, output) =
          add_tile(scores, v.narrow(-2, s, keys), top, sum, output, faults);
    }
    const auto divisor = faults["empty-row-nan"] ? sum : sum.masked_fill(sum == 0, 1.0);
    outputs.push_back(faults["never-divided"] ? output : output / divisor);
    const auto log = sum.log();
    logs.push_back((faults["log-without-max"] ? log : top + log).squeeze(-1));
  }
  return std::make_tuple(torch::cat(outputs, -2), torch::cat(logs, -1));
}

Value reference(const Probe& probe, const Faults& faults) {
  if (probe.function == "flash_forward") return flash_forward(probe, faults);
  return add_tile(probe.tensor(0), probe.tensor(1), probe.tensor(2), probe.tensor(3),
                  probe.tensor(4), faults);
}

std::string first_number(const torch::Tensor& tensor) {
  return tensor.numel() ? describe_number(tensor.reshape({-1})[0].item<double>()) : "nothing";
}

/// The first query's sum or output after the tile.
std::string part_of(const Value& answer, size_t part, const std::string& name) {
  return "the first query's " + name + " is " +
         first_number(answer.toTupleRef().elements().at(part).toTensor());
}
std::string sum_seen(const Probe& probe, const Value& answer) {
  return part_of(answer, 1, probe.function == "add_tile" ? "sum" : "log-sum-exp");
}
std::string output_seen(const Probe& probe, const Value& answer) {
  return part_of(answer, probe.function == "add_tile" ? 2 : 0, "output");
}
std::string max_seen(const Probe&, const Value& answer) {
  return part_of(answer, 0, "largest score");
}

Exercise make() {
  torch::manual_seed(30);
  const auto random = [](at::IntArrayRef sizes) { return torch::randn(sizes) * 1.5; };
  const auto state = [&](const std::string& what, const torch::Tensor& scores,
                         const torch::Tensor& before) {
    auto shape = before.sizes().vec();
    shape.back() = 3;
    auto keys = shape;
    keys[keys.size() - 2] = scores.size(-1);
    const auto seen = before.isfinite();
    return Probe{"add_tile",
                 what,
                 {scores, random(keys), before, (torch::rand(before.sizes()) + 1) * seen,
                  random(shape) * seen}};
  };
  const auto call = [&](const std::string& what, const torch::Tensor& q, const torch::Tensor& k,
                        const torch::Tensor& v, const Value& mask, double scale, int64_t rows,
                        int64_t keys) {
    return Probe{"flash_forward", what, {q, k, v, mask, scale, rows, keys}};
  };
  const auto nothing = [](at::IntArrayRef sizes) { return torch::full(sizes, -INFINITY); };
  const auto rising = torch::tensor({{1.0f, 2.0f}, {3.0f, 0.5f}});
  const auto falling = torch::tensor({{-1.0f, -2.0f}, {0.3f, -3.0f}, {0.1f, 0.2f}});
  auto hidden = random({3, 4});
  hidden[1].fill_(-INFINITY);
  hidden[0][2] = -INFINITY;
  auto before = torch::tensor({{0.5f}, {-INFINITY}, {-1.0f}});
  const auto q = random({7, 3}), k = random({5, 3}), v = random({5, 3});
  const auto self_q = random({9, 4}), self_k = random({9, 4}), self_v = random({9, 4});
  const auto causal = torch::ones({9, 9}, torch::kBool).tril();
  auto ragged = torch::rand({2, 5, 7}) > 0.4;
  ragged[0][3] = false;
  ragged.narrow(-1, 0, 3) &= torch::tensor({false, true, true, false, true}).unsqueeze(-1);
  const auto wide = random({6, 64, 2}).transpose(0, 1);
  return {
      .name = "30_flash_forward",
      .reference = reference,
      .faults = {{"sum-not-rescaled", sum_seen},
                 {"output-not-rescaled", output_seen},
                 {"rescale-inverted", sum_seen},
                 {"max-of-the-tile", max_seen},
                 {"divided-in-the-tile", output_seen},
                 {"empty-tile-nan"},
                 {"never-divided", output_seen},
                 {"log-without-max", sum_seen},
                 {"own-scale", output_seen},
                 {"mask-not-moved", output_seen},
                 {"mask-ignored", output_seen},
                 {"last-keys-dropped", output_seen, true},
                 {"empty-row-nan"}},
      .checks = {
          {"30.1",
           Kind::kValues,
           2,
           "a tile of keys is added",
           {{"add_tile",
             "scores ln 2, then ln 6",
             {torch::tensor({{std::log(6.0f)}}), torch::tensor({{5.0f}}),
              torch::tensor({{std::log(2.0f)}}), torch::ones({1, 1}), torch::ones({1, 1})}},
            state("larger scores than before", rising, torch::zeros({2, 1})),
            state("smaller scores than before", falling, torch::tensor({{1.0f}, {0.5f}, {0.4f}})),
            state("2 heads", random({2, 3, 4}), random({2, 3, 1}))}},
          {"30.1",
           Kind::kOddSizes,
           1,
           "the first tile, hidden keys, large scores",
           {state("the first tile", random({2, 3}), nothing({2, 1})),
            state("query 1 has seen nothing, and sees nothing", hidden, before),
            state("a tile that query 2 sees nothing of", hidden.roll(1, 0),
                  torch::tensor({{0.5f}, {1.5f}, {2.0f}})),
            state("scores near 1000", random({2, 3}) + 1000,
                  torch::tensor({{998.0f}, {1003.0f}}))}},
          {"30.2",
           Kind::kShape,
           1,
           "a row and a log-sum-exp for each query",
           {call("7 queries, 5 keys", q, k, v, Value(), 0.5, 4, 2),
            call("2 sequences of 3 heads", random({2, 3, 5, 4}), random({2, 3, 7, 4}),
                 random({2, 3, 7, 4}), Value(), 0.5, 2, 3)}},
          {"30.2",
           Kind::kValues,
           1,
           "attention in tiles",
           {call("7 queries, 5 keys, one tile", q, k, v, Value(), 0.7, 7, 5),
            call("7 queries, 5 keys, tiles of 4 x 2", q, k, v, Value(), 0.7, 4, 2),
            call("2 heads, 8 queries, 6 keys", random({2, 8, 3}), random({2, 6, 3}),
                 random({2, 6, 3}), Value(), 0.577, 2, 2)}},
          {"30.2",
           Kind::kValues,
           1,
           "a mask in tiles",
           {call("9 queries, 9 keys, causal, tiles of 3 x 3", self_q, self_k, self_v, causal, 0.4,
                 3, 3),
            call("9 queries, 9 keys, causal, tiles of 4 x 2", self_q, self_k, self_v, causal, 0.4,
                 4, 2)}},
          {"30.2",
           Kind::kOddSizes,
           2,
           "ragged tiles, queries that see nothing, no keys, strides",
           {call("a mask, a query that sees nothing", random({2, 5, 3}), random({2, 7, 3}),
                 random({2, 7, 3}), ragged, 0.6, 2, 3),
            call("tiles larger than the sequence", q, k, v, Value(), 0.7, 64, 64),
            call("tiles of 1 x 1", q, k, v, Value(), 0.7, 1, 1),
            call("1 query, 1 key, width 1", random({1, 1}), random({1, 1}), random({1, 1}), Value(),
                 1.3, 2, 2),
            call("3 queries, no keys", random({3, 2}), torch::zeros({0, 2}), torch::zeros({0, 2}),
                 Value(), 0.7, 2, 2),
            call("heads that lie apart in memory", wide, wide + 0.5, wide.sin(), Value(), 0.7, 4,
                 5)}},
          {.part = "30.2",
           .kind = Kind::kSideEffects,
           .marks = 2,
           .title = "arguments stay as they were; less than 8 MB more",
           .probes = {call("9 queries, 9 keys, causal", self_q, self_k, self_v, causal, 0.4, 4, 2),
                      call("4,000 queries, 4,000 keys", random({4000, 8}), random({4000, 8}),
                           random({4000, 8}), Value(), 0.35, 128, 128),
                      call("64 queries, 80,000 keys", random({64, 8}), random({80000, 8}),
                           random({80000, 8}), Value(), 0.35, 64, 128)},
           .seconds = 5,
           .megabytes = 8},
      }};
}

const bool added = add_exercise(make);

}  // namespace
}  // namespace exercises::exercise_30
