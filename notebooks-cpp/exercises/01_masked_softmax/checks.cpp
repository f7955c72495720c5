// 01: softmax over the last axis, and a mask that takes keys away before it.
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>

#include "notebooks-cpp/exercises/grader/exercise.h"
#include "notebooks-cpp/exercises/grader/value.h"

namespace exercises::exercise_01 {
namespace {

torch::Tensor softmax(const torch::Tensor& scores, const Faults& faults) {
  const int64_t axis = faults["softmax-over-queries"] && scores.dim() > 1 ? -2 : -1;
  if (faults["no-shift"]) {  // in float, as the student computes
    const auto e = scores.to(torch::kFloat).exp();
    return (e / e.sum(axis, true)).to(scores.dtype());
  }
  return torch::softmax(scores, axis);
}

torch::Tensor masked_softmax(const torch::Tensor& scores, const torch::Tensor& given,
                             const Faults& faults) {
  const auto may_see = faults["mask-inverted"] ? given.logical_not() : given;
  if (faults["mask-after-softmax"]) return softmax(scores, faults) * may_see;
  if (faults["masked-score-zero"]) return softmax(scores * may_see, faults);
  if (faults["mask-ignored"]) return softmax(scores, faults);
  const auto hidden = scores.masked_fill(may_see.logical_not(), -INFINITY);
  const auto weights = softmax(hidden, faults);
  if (faults["empty-row-nan"]) return weights;
  const auto empty = may_see.expand_as(scores).any(-1, true).logical_not();
  if (faults["empty-row-uniform"])
    return softmax(scores.masked_fill(may_see.logical_not(), -1e9), faults);
  // A row without keys takes no part in the gradient either.
  const auto safe = softmax(hidden.masked_fill(empty, 0.0), faults);
  return safe.masked_fill(empty, 0.0).masked_fill(may_see.logical_not(), 0.0);
}

Value reference(const Probe& probe, const Faults& faults) {
  if (probe.function == "softmax") return softmax(probe.tensor(0), faults);
  return masked_softmax(probe.tensor(0), probe.tensor(1), faults);
}

std::string sums(const Probe&, const Value& answer) {
  const auto weights = answer.toTensor();
  if (weights.dim() < 2) return {};
  return "rows sum to " + describe_number(weights.sum(-1).reshape({-1})[0].item<double>()) +
         ", columns to " + describe_number(weights.sum(-2).reshape({-1})[0].item<double>());
}

Exercise make() {
  torch::manual_seed(1);
  const auto causal = torch::ones({5, 5}, torch::kBool).tril();
  const auto padding = torch::tensor({true, true, false, true, false});
  auto empty_row = torch::ones({3, 4}, torch::kBool);
  empty_row[1] = false;
  const auto scores = torch::randn({5, 5}) * 2;
  return {
      .name = "01_masked_softmax",
      .reference = reference,
      .faults = {{"softmax-over-queries", sums},
                 {"no-shift"},
                 {"mask-after-softmax", sums},
                 {"masked-score-zero"},
                 {"mask-inverted"},
                 {"mask-ignored"},
                 {"empty-row-nan"},
                 {"empty-row-uniform"}},
      .checks = {
          {"01.1",
           Kind::kValues,
           2,
           "weights of a row of scores",
           {{"softmax",
             "scores 0, ln 2, ln 3",
             {torch::tensor({0.0f, std::log(2.0f), std::log(3.0f)})}},
            {"softmax", "3 queries, 4 keys", {torch::randn({3, 4})}},
            {"softmax", "2 heads, 4 queries, 4 keys", {torch::randn({2, 4, 4})}}}},
          {"01.1",
           Kind::kOddSizes,
           1,
           "large scores",
           {{"softmax",
             "scores near 1000",
             {torch::tensor({{1000.0f, 1001.0f}, {-1000.0f, -1002.0f}})}}}},
          {"01.1",
           Kind::kGradients,
           1,
           "gradients of softmax",
           {{"softmax", "3 queries, 4 keys", {torch::randn({3, 4})}}}},
          {"01.2",
           Kind::kValues,
           2,
           "hidden keys",
           {{"masked_softmax", "5 queries, 5 keys, causal", {scores, causal}},
            {"masked_softmax", "2 heads, a padding mask [5]", {torch::randn({2, 3, 5}), padding}}}},
          {"01.2",
           Kind::kOddSizes,
           2,
           "rows that see nothing, and large hidden scores",
           {{"masked_softmax", "query 1 sees no key", {torch::randn({3, 4}), empty_row}},
            {"masked_softmax",
             "a hidden score of 1000",
             {torch::tensor({{1.0f, 1000.0f, 2.0f}}), torch::tensor({true, false, true})}}}},
          {"01.2",
           Kind::kGradients,
           1,
           "gradients with a mask",
           {{"masked_softmax", "5 queries, 5 keys, causal", {scores, causal}},
            {"masked_softmax", "query 1 sees no key", {torch::randn({3, 4}), empty_row}}}},
          {"01.2",
           Kind::kSideEffects,
           1,
           "arguments stay as they were",
           {{"masked_softmax", "5 queries, 5 keys, causal", {scores, causal}},
            {"softmax", "3 queries, 4 keys", {torch::randn({3, 4})}}}},
      }};
}

const bool added = add_exercise(make);

}  // namespace
}  // namespace exercises::exercise_01
