// 11: keys and values that are kept, and attention to them.
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>

#include "notebooks-cpp/exercises/grader/exercise.h"
#include "notebooks-cpp/exercises/grader/value.h"

namespace exercises::exercise_11 {
namespace {

using torch::Tensor;
using Step = std::tuple<Tensor, Tensor, Tensor, Tensor>;

Tensor append(const Tensor& cache, const Tensor& fresh, Tensor starts, const Faults& faults) {
  const int64_t B = fresh.size(0), T = fresh.size(2);
  if (faults["writes-at-zero"]) starts = torch::zeros_like(starts);
  if (faults["longest-row-for-all"]) starts = starts.max().expand_as(starts);
  if (faults["first-row-for-all"]) starts = starts[0].expand_as(starts);
  if (faults["one-slot-too-far"]) starts = starts + 1;
  if (faults["last-slots"]) starts = torch::full_like(starts, cache.size(2) - T);
  const auto slots = starts.unsqueeze(1) + torch::arange(T);
  return cache.scatter(2, slots.view({B, 1, T, 1}).expand_as(fresh), fresh);
}

Tensor attend(const Tensor& q, const Tensor& keys, const Tensor& values, Tensor starts,
              const Faults& faults) {
  const int64_t T = q.size(2), S = keys.size(2);
  if (faults["positions-restart"]) starts = torch::zeros_like(starts);
  if (faults["longest-row-for-all"]) starts = starts.max().expand_as(starts);
  if (faults["first-row-for-all"]) starts = starts[0].expand_as(starts);
  if (faults["aligned-to-last-slot"]) starts = torch::full_like(starts, S - T);
  const auto t = torch::arange(T).view({T, 1});
  auto last = starts.view({-1, 1, 1, 1}) + t;  // [B, 1, T, 1]
  if (faults["sees-later-tokens"]) last = last - t + T - 1;
  if (faults["misses-itself"] || faults["misses-itself-slices"]) last = last - 1;
  if (faults["sees-one-too-far"]) last = last + 1;
  if (faults["sees-unused-slots"]) last = torch::full_like(last, S);
  auto scores = torch::matmul(q, keys.transpose(2, 3));
  if (!faults["scale-missing"]) scores = scores / std::sqrt(static_cast<double>(q.size(3)));
  auto weights = torch::softmax(scores.masked_fill(torch::arange(S) > last, -INFINITY), -1);
  if (faults["misses-itself-slices"])
    weights = weights.masked_fill(last < 0, 0);  // sums of nothing
  return torch::matmul(weights, values);
}

Step decode_step(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& keys,
                 const Tensor& values, const Tensor& lengths, const Faults& faults) {
  const auto new_keys = append(keys, k, lengths, faults);
  const auto new_values = append(values, v, lengths, faults);
  const bool early = faults["reads-before-writing"];
  auto grown = lengths + q.size(2);
  const auto starts = faults["starts-after-step"] ? grown : lengths;
  const auto out = attend(q, early ? keys : new_keys, early ? values : new_values, starts, faults);
  if (faults["lengths-stay"]) grown = lengths;
  if (faults["lengths-grow-by-one"]) grown = lengths + 1;
  return {out, new_keys, new_values, grown};
}

Tensor decode(const Probe& probe, const Faults& faults) {
  const auto q = probe.tensor(0), k = probe.tensor(1), v = probe.tensor(2);
  auto keys = probe.tensor(3), values = probe.tensor(4);
  auto lengths = torch::zeros({q.size(0)}, torch::kLong);
  std::vector<Tensor> outputs;
  int64_t begin = 0;
  for (const int64_t step : probe.arguments.at(5).toIntVector()) {
    outputs.emplace_back();
    std::tie(outputs.back(), keys, values, lengths) =
        decode_step(q.narrow(2, begin, step), k.narrow(2, begin, step), v.narrow(2, begin, step),
                    keys, values, lengths, faults);
    begin += step;
  }
  return torch::cat(outputs, 2);
}

Value reference(const Probe& probe, const Faults& faults) {
  if (probe.function == "append")
    return append(probe.tensor(0), probe.tensor(1), probe.tensor(2), faults);
  if (probe.function == "attend_cached")
    return attend(probe.tensor(0), probe.tensor(1), probe.tensor(2), probe.tensor(3), faults);
  if (probe.function == "decode") return decode(probe, faults);
  return decode_step(probe.tensor(0), probe.tensor(1), probe.tensor(2), probe.tensor(3),
                     probe.tensor(4), probe.tensor(5), faults);
}

/// The first slot that changed, of the first row whose slots are wrong.
std::string changed(const Probe& probe, const Value& answer) {
  if (probe.function != "append") return {};
  const auto right = reference(probe, {}).toTensor().to(torch::kFloat), got = answer.toTensor();
  for (int64_t b = 0; b < got.size(0); ++b) {
    if (torch::equal(right[b], got[b])) continue;
    const auto slots = (got[b] != probe.tensor(0)[b]).any(-1).any(0).nonzero();
    const auto first = slots.numel() ? std::to_string(slots[0].item<int64_t>()) : "none";
    return "Row " + std::to_string(b) + " holds " +
           std::to_string(probe.tensor(2)[b].item<int64_t>()) +
           " tokens, and the first slot that changed is " + first;
  }
  return {};
}

/// What the first row of the call is.
std::string situation(const Probe& probe, const Value&) {
  const auto last = probe.function == "attend_cached" ? 3 : 5;
  if (probe.function != "attend_cached" && probe.function != "decode_step") return {};
  return std::to_string(probe.tensor(0).size(2)) + " queries from position " +
         std::to_string(probe.tensor(static_cast<size_t>(last))[0].item<int64_t>()) +
         " in a cache of " +
         std::to_string(probe.tensor(probe.function == "attend_cached" ? 1 : 3).size(2)) + " slots";
}

/// The tokens of each row before the call.
std::string lengths_of(const Probe& probe, const Value&) {
  const size_t place = probe.function == "append" ? 2 : probe.function == "attend_cached" ? 3 : 5;
  const Value& lengths = probe.arguments.at(place);
  if (!lengths.isTensor()) return "0";  // decode begins without tokens
  std::vector<int64_t> numbers;
  for (int64_t b = 0; b < lengths.toTensor().numel(); ++b)
    numbers.push_back(lengths.toTensor()[b].item<int64_t>());
  return describe(numbers);
}

/// The first row's length before and after a step.
std::string growth(const Probe& probe, const Value& answer) {
  if (probe.function != "decode_step") return {};
  return "After a step of " + std::to_string(probe.tensor(0).size(2)) +
         " tokens the first row's length went from " +
         std::to_string(probe.tensor(5)[0].item<int64_t>()) + " to " +
         std::to_string(answer.toTupleRef().elements()[3].toTensor()[0].item<int64_t>());
}

Tensor numbers(std::vector<int64_t> values) { return torch::tensor(values, torch::kLong); }

/// What a cache of B rows, 2 heads and width 3 holds, used and unused slots alike.
Tensor buffer(int64_t B, int64_t capacity) { return torch::randn({B, 2, capacity, 3}) * 1.5; }
Tensor tokens(int64_t B, int64_t T) { return torch::randn({B, 2, T, 3}) * 1.5; }

Probe append_probe(const std::string& what, int64_t capacity, int64_t T,
                   const std::vector<int64_t>& lengths) {
  const auto B = static_cast<int64_t>(lengths.size());
  return {"append", what, {buffer(B, capacity), tokens(B, T), numbers(lengths)}};
}

Probe attend_probe(const std::string& what, int64_t capacity, int64_t T,
                   const std::vector<int64_t>& starts) {
  const auto B = static_cast<int64_t>(starts.size());
  return {"attend_cached",
          what,
          {tokens(B, T), buffer(B, capacity), buffer(B, capacity), numbers(starts)}};
}

Probe step_probe(const std::string& what, int64_t capacity, int64_t T,
                 const std::vector<int64_t>& lengths) {
  const auto B = static_cast<int64_t>(lengths.size());
  return {"decode_step",
          what,
          {tokens(B, T), tokens(B, T), tokens(B, T), buffer(B, capacity), buffer(B, capacity),
           numbers(lengths)}};
}

Probe decode_probe(const std::string& what, int64_t capacity, const std::vector<int64_t>& steps) {
  int64_t T = 0;
  for (const int64_t step : steps) T += step;
  return {
      "decode",
      what,
      {tokens(2, T), tokens(2, T), tokens(2, T), buffer(2, capacity), buffer(2, capacity), steps}};
}

Exercise make() {
  torch::manual_seed(11);
  auto strided = attend_probe("q is a transposed view", 6, 2, {1, 3});
  strided.arguments[0] = torch::randn({2, 2, 2, 3}).transpose(1, 2);
  const auto ragged_step = step_probe("2 tokens for rows of 2, 4 and 0", 8, 2, {2, 4, 0});
  const auto ragged_append = append_probe("2 tokens for rows of 1, 4 and 0", 7, 2, {1, 4, 0});
  return {.name = "11_kv_cache",
          .reference = reference,
          .faults = {{"writes-at-zero", changed},
                     {"longest-row-for-all", lengths_of},
                     {"first-row-for-all", lengths_of},
                     {"one-slot-too-far", changed},
                     {"last-slots", changed},
                     {"positions-restart", situation},
                     {"aligned-to-last-slot", situation},
                     {"sees-later-tokens", situation},
                     {"misses-itself", situation},
                     {"misses-itself-slices", situation, true},
                     {"sees-one-too-far", situation},
                     {"sees-unused-slots", situation},
                     {"scale-missing", situation},
                     {"reads-before-writing", situation},
                     {"starts-after-step", situation},
                     {"lengths-stay", growth, true},
                     {"lengths-grow-by-one", growth, true}},
          .checks = {
              {"11.1",
               Kind::kValues,
               1,
               "new tokens go behind the old ones",
               {append_probe("1 token for rows of 3 in 7 slots", 7, 1, {3, 3}),
                append_probe("3 tokens for rows of 2 in 7 slots", 7, 3, {2, 2})}},
              {"11.1",
               Kind::kOddSizes,
               1,
               "rows of different lengths, an empty cache, a full one",
               {ragged_append, append_probe("4 tokens for an empty row of 4 slots", 4, 4, {0}),
                append_probe("1 token for a row of 3 in 4 slots", 4, 1, {3})}},
              {"11.1",
               Kind::kGradients,
               1,
               "gradients of the old and of the new tokens",
               {append_probe("2 tokens for rows of 1 and 3", 6, 2, {1, 3})}},
              {"11.2",
               Kind::kValues,
               1,
               "one query sees the tokens up to itself",
               {attend_probe("1 query at position 4 of 8 slots", 8, 1, {4, 4})}},
              {"11.2",
               Kind::kValues,
               1,
               "each of three queries does",
               {attend_probe("3 queries from position 2 of 8 slots", 8, 3, {2, 2})}},
              {"11.2",
               Kind::kOddSizes,
               1,
               "rows of different lengths, an empty cache, strides",
               {attend_probe("2 queries for rows of 2, 5 and 0", 9, 2, {2, 5, 0}),
                attend_probe("3 queries in an empty cache of 3 slots", 3, 3, {0}), strided}},
              {"11.2",
               Kind::kGradients,
               1,
               "gradients of queries, keys and values",
               {attend_probe("2 queries for rows of 1 and 3", 6, 2, {1, 3})}},
              {"11.3",
               Kind::kValues,
               1,
               "steps of one and of several tokens equal one full pass",
               {step_probe("2 tokens for rows of 3 in 8 slots", 8, 2, {3, 3}),
                decode_probe("6 tokens at once in 9 slots", 9, {6}),
                decode_probe("steps of 1, 1, 3, 1 in 9 slots", 9, {1, 1, 3, 1})}},
              {"11.3", Kind::kOddSizes, 1, "rows of different lengths", {ragged_step}},
              {"11.3",
               Kind::kSideEffects,
               1,
               "arguments stay as they were",
               {ragged_append, ragged_step}},
          }};
}

const bool added = add_exercise(make);

}  // namespace
}  // namespace exercises::exercise_11
