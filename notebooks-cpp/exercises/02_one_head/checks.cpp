// 02: scaled dot-product attention of one head, with and without a mask.
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>

#include "notebooks-cpp/exercises/grader/exercise.h"
#include "notebooks-cpp/exercises/grader/value.h"

namespace exercises::exercise_02 {
namespace {

double scale_of(const torch::Tensor& q, const torch::Tensor& k, const Faults& faults) {
  const auto width = static_cast<double>(q.size(-1));
  if (faults["no-scale"] || faults["scale-after-softmax"]) return 1;
  if (faults["scale-by-width"]) return 1 / width;
  if (faults["scale-by-keys"]) return 1 / std::sqrt(static_cast<double>(k.size(-2)));
  return 1 / std::sqrt(width);
}

torch::Tensor softmax(const torch::Tensor& scores, const Faults& faults) {
  return torch::softmax(scores, faults["softmax-over-queries"] ? -2 : -1);
}

torch::Tensor masked(const torch::Tensor& scores, const torch::Tensor& given,
                     const Faults& faults) {
  const auto hidden = faults["mask-inverted"] ? given : given.logical_not();
  if (faults["mask-after-softmax"]) return softmax(scores, faults).masked_fill(hidden, 0.0);
  if (faults["masked-score-zero"]) return softmax(scores.masked_fill(hidden, 0.0), faults);
  if (faults["empty-row-nan"]) return softmax(scores.masked_fill(hidden, -INFINITY), faults);
  const auto weights = softmax(scores.masked_fill(hidden, -1e9), faults);
  return faults["empty-row-uniform"] ? weights : weights.masked_fill(hidden, 0.0);
}

torch::Tensor weights_of(const torch::Tensor& q, const torch::Tensor& k, const Value& may_attend,
                         const Faults& faults) {
  const auto scores = q.matmul(k.transpose(-2, -1)) * scale_of(q, k, faults);
  const bool free = may_attend.isNone() || faults["mask-ignored"];
  const auto weights =
      free ? softmax(scores, faults) : masked(scores, may_attend.toTensor(), faults);
  const auto width = static_cast<double>(q.size(-1));
  return faults["scale-after-softmax"] ? weights / std::sqrt(width) : weights;
}

Value reference(const Probe& probe, const Faults& faults) {
  const auto q = probe.tensor(0), k = probe.tensor(1);
  if (probe.function == "attention_weights") return weights_of(q, k, probe.arguments.at(2), faults);
  const auto weights = weights_of(q, k, probe.arguments.at(3), faults);
  return weights.matmul(faults["keys-as-values"] ? k : probe.tensor(2));
}

/// How much the logarithm of a weight grows with the dot product.
std::string slope(const Probe& probe, const Value& answer) {
  if (probe.function != "attention_weights") return "the scale is not that of Eq. 1";
  const auto q = probe.tensor(0), k = probe.tensor(1);
  auto products = q.matmul(k.transpose(-2, -1)).to(torch::kDouble);
  auto logs = answer.toTensor().to(torch::kDouble).log();
  products = products - products.mean(-1, true);
  logs = logs - logs.mean(-1, true);
  const auto found = (products * logs).sum() / products.square().sum();
  return "a score is " + describe_number(found.item<double>()) +
         " times the dot product, at width " + std::to_string(q.size(-1));
}

std::string sums(const Probe& probe, const Value& answer) {
  if (probe.function != "attention_weights") return "the shares are not those of Eq. 1";
  const auto weights = answer.toTensor();
  return "the first row of weights sums to " +
         describe_number(weights.sum(-1).reshape({-1})[0].item<double>()) +
         ", the first column to " +
         describe_number(weights.sum(-2).reshape({-1})[0].item<double>());
}

Exercise make() {
  torch::manual_seed(2);
  const auto random = [](at::IntArrayRef sizes) { return torch::randn(sizes) * 1.5; };
  const auto causal = torch::ones({5, 5}, torch::kBool).tril();
  const auto padding = torch::tensor({true, false, true, true});
  auto blind = torch::ones({3, 4}, torch::kBool);
  blind[1] = false;
  blind[2][0] = false;
  const auto q = random({5, 3}), k = random({4, 3}), v = random({4, 2});
  const auto self = random({5, 3}), self_k = random({5, 3}), self_v = random({5, 3});
  const auto hand_q = torch::tensor({{2.0f, 0.0f}});
  const auto hand_k = torch::tensor({{1.0f, 0.0f}, {0.0f, 1.0f}, {1.0f, 1.0f}, {-1.0f, 0.0f}});
  return {.name = "02_one_head",
          .reference = reference,
          .faults = {{"no-scale", slope},
                     {"scale-by-width", slope},
                     {"scale-by-keys", slope},
                     {"scale-after-softmax", sums},
                     {"softmax-over-queries", sums},
                     {"mask-after-softmax", sums},
                     {"masked-score-zero"},
                     {"mask-inverted"},
                     {"mask-ignored"},
                     {"empty-row-nan"},
                     {"empty-row-uniform"},
                     {"keys-as-values"}},
          .checks = {
              {"02.1",
               Kind::kValues,
               2,
               "weights of the keys",
               {{"attention_weights", "the query (2, 0) of lesson 02", {hand_q, hand_k, Value()}},
                {"attention_weights", "5 queries, 4 keys, width 3", {q, k, Value()}},
                {"attention_weights",
                 "2 sequences, 3 queries, 3 keys, width 4",
                 {random({2, 3, 4}), random({2, 3, 4}), Value()}}}},
              {"02.1",
               Kind::kOddSizes,
               2,
               "hidden keys, and a query that sees nothing",
               {{"attention_weights", "5 queries, 5 keys, causal", {self, self_k, causal}},
                {"attention_weights", "5 queries, 4 keys, a mask [4]", {q, k, padding}},
                {"attention_weights",
                 "query 1 of 3 sees no key",
                 {random({2, 3, 3}), random({2, 4, 3}), blind}},
                {"attention_weights",
                 "one query, one key, width 1",
                 {random({1, 1}), random({1, 1}), Value()}}}},
              {"02.2",
               Kind::kShape,
               1,
               "a row for each query, as wide as the values",
               {{"attend_one_head", "5 queries, 4 keys, values of width 2", {q, k, v, Value()}},
                {"attend_one_head",
                 "2 sequences of 3 heads",
                 {random({2, 3, 5, 3}), random({2, 3, 4, 3}), random({2, 3, 4, 2}), Value()}}}},
              {"02.2",
               Kind::kValues,
               2,
               "a mean of the values",
               {{"attend_one_head", "5 queries, 5 keys, width 3", {self, self_k, self_v, Value()}},
                {"attend_one_head", "5 queries, 4 keys, values of width 2", {q, k, v, Value()}}}},
              {"02.2",
               Kind::kGradients,
               2,
               "gradients of queries, keys and values",
               {{"attend_one_head", "5 queries, 4 keys, values of width 2", {q, k, v, Value()}},
                {"attend_one_head",
                 "query 1 of 3 sees no key",
                 {random({3, 3}), random({4, 3}), random({4, 2}), blind}}}},
              {"02.2",
               Kind::kSideEffects,
               1,
               "arguments stay as they were",
               {{"attend_one_head", "5 queries, 5 keys, causal", {self, self_k, self_v, causal}},
                {"attention_weights", "5 queries, 5 keys, causal", {self, self_k, causal}}}},
          }};
}

const bool added = add_exercise(make);

}  // namespace
}  // namespace exercises::exercise_02
