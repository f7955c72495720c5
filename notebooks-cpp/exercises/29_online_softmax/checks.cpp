// 29: a softmax in one pass over blocks, then attention that never holds a row of scores.
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>

#include "notebooks-cpp/exercises/29_online_softmax/online_softmax.h"
#include "notebooks-cpp/exercises/grader/exercise.h"
#include "notebooks-cpp/exercises/grader/value.h"

namespace exercises::exercise_29 {
namespace {

using torch::Tensor;

struct Running {
  Tensor row_max = {}, row_sum = {}, y = {};
};

Tensor finite(const Tensor& row_max, const Faults& faults) {
  if (faults["no-shift"]) return torch::zeros_like(row_max);
  if (faults["nothing-yet-nan"]) return row_max;
  return row_max.masked_fill(row_max == kNothingYet, 0.0);
}

/// One block of scores [..., T, K], with values [..., K, Dv] or without.
Running add(const Running& so_far, const Tensor& scores, const Tensor& values,
            const Faults& faults) {
  const auto block_max = scores.amax(-1);
  const auto row_max = torch::maximum(so_far.row_max, block_max);
  const auto shift = finite(row_max, faults);
  auto rescale = (so_far.row_max - shift).exp();
  if (faults["rescale-inverted"]) rescale = (shift - so_far.row_max).exp();
  if (faults["no-shift"]) rescale = torch::ones_like(rescale);
  const auto own = faults["blocks-own-max"] ? finite(block_max, faults) : shift;
  const auto e = (scores - own.unsqueeze(-1)).exp();
  const bool sum_stays = faults["sum-not-rescaled"] || faults["blocks-own-max"];
  Running next{row_max, (sum_stays ? so_far.row_sum : so_far.row_sum * rescale) + e.sum(-1)};
  if (!values.defined()) return next;
  const bool values_stay = faults["values-not-rescaled"] || faults["blocks-own-max"];
  next.y = (values_stay ? so_far.y : so_far.y * rescale.unsqueeze(-1)) + e.matmul(values);
  return next;
}

int64_t last_key(int64_t S, int64_t block_size, const Faults& faults) {
  return faults["tail-lost"] ? S / block_size * block_size : S;
}

Tensor divisor(const Tensor& row_sum, const Faults& faults) {
  const auto sum = row_sum.unsqueeze(-1);
  return faults["nothing-yet-nan"] || faults["empty-row-nan"] ? sum
                                                              : sum.masked_fill(sum == 0, 1.0);
}

Tensor softmax(const Tensor& scores, int64_t block_size, const Faults& faults) {
  Running running{torch::full_like(scores.select(-1, 0), kNothingYet),
                  torch::zeros_like(scores.select(-1, 0))};
  const int64_t S = scores.size(-1), end = last_key(S, block_size, faults);
  for (int64_t first = 0; first < end; first += block_size)
    running = add(running, scores.narrow(-1, first, std::min(block_size, S - first)), {}, faults);
  const auto shift = finite(running.row_max, faults).unsqueeze(-1);
  return (scores - shift).exp() / divisor(running.row_sum, faults);
}

Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v, const Value& may_attend,
              double scale, int64_t block_size, const Faults& faults) {
  Running running{torch::full_like(q.select(-1, 0), kNothingYet),
                  torch::zeros_like(q.select(-1, 0)), torch::zeros({}, q.options())};
  const int64_t S = k.size(-2), end = last_key(S, block_size, faults);
  auto averaged = torch::zeros({}, q.options());
  for (int64_t first = 0; first < end; first += block_size) {
    const int64_t K = std::min(block_size, S - first);
    auto scores = q.matmul(k.narrow(-2, first, K).transpose(-2, -1));
    if (!faults["scale-forgotten"]) scores = scores * scale;
    if (may_attend.isTensor() && !faults["mask-ignored"]) {
      const auto mask = may_attend.toTensor().narrow(-1, first, K);
      scores = scores.masked_fill(faults["mask-inverted"] ? mask : mask.logical_not(), kNothingYet);
    }
    const auto values = v.narrow(-2, first, K);
    running = add(running, scores, values, faults);
    const auto empty = scores.isinf().all(-1, true);
    const auto weights = torch::softmax(scores.masked_fill(empty, 0.0), -1).masked_fill(empty, 0.0);
    averaged = averaged + weights.matmul(values);
  }
  if (faults["blocks-averaged"])
    return averaged / static_cast<double>((S + block_size - 1) / block_size);
  return running.y / divisor(running.row_sum, faults);
}

Value reference(const Probe& probe, const Faults& faults) {
  if (probe.function == "add_block") {
    const auto next = add({probe.tensor(0), probe.tensor(1)}, probe.tensor(2), {}, faults);
    return c10::ivalue::Tuple::create({next.row_max, next.row_sum});
  }
  if (probe.function == "online_softmax") return softmax(probe.tensor(0), probe.integer(1), faults);
  return attend(probe.tensor(0), probe.tensor(1), probe.tensor(2), probe.arguments.at(3),
                probe.real(4), probe.integer(5), faults);
}

/// The sum of the first row that is wrong, beside the right one.
std::string row_sums(const Probe& probe, const Value& answer) {
  const auto number = [](const Tensor& tensor, int64_t n) {
    return describe_number(tensor.reshape({-1})[n].item<double>());
  };
  Probe exact = probe;
  for (auto& argument : exact.arguments) argument = in_double(argument);
  const auto right = reference(exact, {});
  if (probe.function == "add_block") {
    const auto wanted = right.toTupleRef().elements().at(1).toTensor();
    const auto sum = answer.toTupleRef().elements().at(1).toTensor();
    const int64_t n =
        (wanted - sum).abs().nan_to_num(1e30, 1e30).reshape({-1}).argmax().item<int64_t>();
    return "a running sum is " + number(sum, n) + " where it should be " + number(wanted, n);
  }
  if (probe.function == "online_softmax") {
    const auto sum = answer.toTensor().to(torch::kDouble).sum(-1);
    const int64_t n = (1 - sum).abs().nan_to_num(1e30, 1e30).reshape({-1}).argmax().item<int64_t>();
    return "a row of weights sums to " + number(sum, n);
  }
  const auto gap = (right.toTensor() - answer.toTensor()).abs().nan_to_num(1e30, 1e30);
  const int64_t n = gap.reshape({-1}).argmax().item<int64_t>();
  return "a result is " + number(answer.toTensor(), n) + " where it should be " +
         number(right.toTensor(), n);
}

Exercise make() {
  torch::manual_seed(29);
  const auto random = [](at::IntArrayRef sizes) { return torch::randn(sizes) * 1.5; };
  const auto add_probe = [](const std::string& what, const Tensor& row_max, const Tensor& row_sum,
                            const Tensor& scores) {
    return Probe{"add_block", what, {row_max, row_sum, scores}};
  };
  const auto weights = [](const std::string& what, const Tensor& scores, int64_t block_size) {
    return Probe{"online_softmax", what, {scores, block_size}};
  };
  const auto attention = [](const std::string& what, const Tensor& q, const Tensor& k,
                            const Tensor& v, const Value& may_attend, int64_t block_size) {
    return Probe{"attend_online", what, {q, k, v, may_attend, 0.7, block_size}};
  };
  const auto nothing = torch::full({3}, static_cast<float>(kNothingYet));
  const auto none = torch::zeros({3});
  const auto start = add_probe("the first block, 3 rows of 4", nothing, none, random({3, 4}));
  const auto more = add_probe("maxima that rise, stay and rise", torch::tensor({0.5f, 4.0f, -2.0f}),
                              torch::tensor({1.5f, 2.5f, 1.25f}),
                              torch::tensor({{1.0f, 3.0f}, {2.0f, -1.0f}, {0.5f, -0.5f}}));
  auto hidden = random({3, 4});
  hidden[1].fill_(kNothingYet);
  hidden[2][0] = kNothingYet;
  auto hidden_first = random({2, 6});
  hidden_first[0].narrow(0, 0, 4).fill_(kNothingYet);
  const auto rising = torch::arange(6, torch::kFloat).reshape({1, 6}) * 0.9 - 2;
  const auto mixed = torch::cat({rising, -rising, random({1, 6})});
  const auto q = random({5, 3}), k = random({7, 3}), v = random({7, 2});
  const auto up = k * torch::arange(1, 8, torch::kFloat).unsqueeze(-1) * 0.5;
  auto mask = torch::ones({5, 7}, torch::kBool).tril(2);
  auto blind = torch::rand({5, 7}) < 0.6;
  blind[1] = false;
  blind[2].narrow(0, 0, 4).fill_(false);
  blind[2][5] = true;
  const auto long_q = random({1024, 8}), long_k = random({8192, 8}), long_v = random({8192, 8});
  return {
      .name = "29_online_softmax",
      .reference = reference,
      .faults = {{"sum-not-rescaled", row_sums},
                 {"blocks-own-max", row_sums},
                 {"rescale-inverted", row_sums},
                 {"no-shift", row_sums, true},
                 {"nothing-yet-nan", {}, true},
                 {"empty-row-nan", {}, true},
                 {"tail-lost", row_sums},
                 {"values-not-rescaled", row_sums},
                 {"blocks-averaged", {}, true},
                 {"scale-forgotten"},
                 {"mask-inverted"},
                 {"mask-ignored"}},
      .checks = {
          {"29.1",
           Kind::kValues,
           2,
           "the largest score and the sum, block by block",
           {more, start,
            add_probe("2 heads, 3 rows, 5 scores", random({2, 3}), torch::rand({2, 3}) + 1,
                      random({2, 3, 5}))}},
          {"29.1",
           Kind::kOddSizes,
           2,
           "rows that have seen nothing, large scores, one score",
           {add_probe("a row without a visible score", nothing, none, hidden),
            add_probe("nothing visible in the second block", torch::tensor({1.0f, 2.0f, 3.0f}),
                      torch::tensor({1.5f, 1.0f, 2.0f}), hidden),
            add_probe("scores near 1000", torch::tensor({998.0f, -1000.0f}),
                      torch::tensor({1.5f, 1.25f}),
                      torch::tensor({{1000.0f, 999.0f}, {-999.0f, -1002.0f}})),
            add_probe("one row, one score", random({1}), torch::ones({1}), random({1, 1}))}},
          {"29.2",
           Kind::kValues,
           1,
           "weights in two passes",
           {weights("rising, falling and random scores, blocks of 2", mixed, 2),
            weights("2 heads, 3 rows, 8 scores, blocks of 4", random({2, 3, 8}), 4)}},
          {"29.2",
           Kind::kOddSizes,
           1,
           "a short last block, blocks of 1, hidden scores",
           {weights("7 scores, blocks of 3", random({3, 7}), 3),
            weights("5 scores, blocks of 8", random({2, 5}), 8),
            weights("4 scores, blocks of 1", random({2, 4}), 1),
            weights("the first 4 scores of a row are hidden, blocks of 2", hidden_first, 2),
            weights("a row without a visible score", hidden, 2),
            weights("transposed scores", random({5, 3}).t(), 2)}},
          {"29.3",
           Kind::kValues,
           1,
           "attention over blocks of keys",
           {attention("5 queries, 7 keys with rising scores, blocks of 2", q, up, v, Value(), 2),
            attention("2 sequences of 3 heads, 4 queries, 6 keys, blocks of 3",
                      random({2, 3, 4, 3}), random({2, 3, 6, 3}), random({2, 3, 6, 2}), Value(),
                      3)}},
          {"29.3",
           Kind::kOddSizes,
           1,
           "masks, a query that sees nothing, one key",
           {attention("5 queries, 7 keys, a mask, blocks of 3", q, k, v, mask, 3),
            attention("query 1 sees nothing, query 2 no early key", q, k, v, blind, 2),
            attention("one query, one key", random({1, 3}), random({1, 3}), random({1, 4}), Value(),
                      4)}},
          {"29.3",
           Kind::kGradients,
           1,
           "gradients of queries, keys and values",
           {attention("5 queries, 7 keys, blocks of 3", q, up, v, Value(), 3),
            attention("query 1 sees nothing", q, k, v, blind, 2)}},
          {.part = "29.3",
           .kind = Kind::kSideEffects,
           .marks = 1,
           .title = "1024 queries and 8192 keys without 32 MB of scores",
           .probes = {attention("blocks of 128", long_q, long_k, long_v, Value(), 128),
                      attention("5 queries, 7 keys", q, k, v, mask, 3), more},
           .seconds = 3,
           .megabytes = 12},
      }};
}

const bool added = add_exercise(make);

}  // namespace
}  // namespace exercises::exercise_29
