// 15: smoothed targets, the loss over counted targets, and its gradient by hand.
#include <torch/types.h>
#include <torch/utils.h>

#include "notebooks-cpp/exercises/15_label_smoothing/label_smoothing.h"
#include "notebooks-cpp/exercises/grader/exercise.h"
#include "notebooks-cpp/exercises/grader/value.h"

namespace exercises::exercise_15 {
namespace {

using torch::Tensor;

Tensor smoothed(const Tensor& targets, int64_t V, double smoothing, const Faults& faults) {
  const auto hit = (targets.unsqueeze(-1) == torch::arange(V)).to(torch::kDouble);  // [..., V]
  const auto counted = (targets != kIgnored).unsqueeze(-1);
  const auto width = static_cast<double>(V);
  auto wanted = (1 - smoothing) * hit + smoothing / width;
  if (faults["no-smoothing"]) wanted = hit;
  if (faults["spread-over-others"])
    wanted = torch::where(hit.to(torch::kBool), 1 - smoothing, smoothing / (width - 1));
  if (faults["target-without-share"])
    wanted = (1 - smoothing) * hit + (1 - hit) * (smoothing / width);
  if (faults["whole-share-each"]) wanted = (1 - smoothing) * hit + smoothing;
  if (faults["shares-swapped"]) wanted = smoothing * hit + (1 - smoothing) / width;
  if (faults["ignored-spread"]) return wanted;
  return wanted * counted;
}

Tensor divisor(const Tensor& targets, const Faults& faults) {
  if (faults["sum-not-mean"]) return torch::ones({}, torch::kDouble);
  if (faults["mean-over-all"])
    return torch::full({}, static_cast<double>(targets.numel()), torch::kDouble);
  if (faults["mean-over-rows"])
    return torch::full({}, static_cast<double>(targets.size(0)), torch::kDouble);
  return (targets != kIgnored).sum().clamp_min(1).to(torch::kDouble);
}

Value reference(const Probe& probe, const Faults& faults) {
  if (probe.function == "smoothed_targets")
    return smoothed(probe.tensor(0), probe.integer(1), probe.real(2), faults);
  const auto logits = probe.tensor(0), targets = probe.tensor(1);
  const auto wanted = smoothed(targets, logits.size(-1), probe.real(2), faults);
  const auto by = divisor(targets, faults);
  if (probe.function == "cross_entropy_mean") {
    if (faults["probabilities-not-logs"]) return -(wanted * torch::softmax(logits, -1)).sum() / by;
    return -(wanted * torch::log_softmax(logits, -1)).sum() / by;
  }
  const auto counted = (targets != kIgnored).unsqueeze(-1);
  const auto p = torch::softmax(logits, -1);
  if (faults["sign-turned"]) return (wanted - p * counted) / by;
  if (faults["ignored-pulled"]) return (p - wanted) / by;
  return (p * counted - wanted) / by;
}

/// The sum of a row of targets; the loss itself.
std::string row_sum(const Probe& probe, const Value& answer) {
  if (probe.function == "smoothed_targets")
    return "the first row sums to " +
           describe_number(answer.toTensor().sum(-1).reshape({-1})[0].item<double>());
  if (probe.function == "cross_entropy_mean")
    return "the loss is " + describe_number(answer.toTensor().item<double>());
  return "the gradient's largest entry is " +
         describe_number(answer.toTensor().abs().max().item<double>());
}

/// How many times too large or small.
std::string ratio(const Probe& probe, const Value& answer) {
  const auto right = reference(probe, {}).toTensor(), got = answer.toTensor().to(torch::kDouble);
  const auto counted = (probe.tensor(1) != kIgnored).sum().item<int64_t>();
  return "With " + std::to_string(counted) + " counted of " +
         std::to_string(probe.tensor(1).numel()) + " targets, your result is " +
         describe_number((got.abs().sum() / right.abs().sum()).item<double>()) +
         " times the right one";
}

Exercise make() {
  torch::manual_seed(15);
  const auto targets = torch::tensor({{3, 0, -100, 4}, {1, -100, -100, 2}});
  const auto plain = torch::tensor({2, 0, 4});
  const auto loss = [&](const std::string& what, const Tensor& logits, const Tensor& wanted,
                        double smoothing) {
    return Probe{"cross_entropy_mean", what, {logits, wanted, smoothing}};
  };
  const auto gradient = [&](const std::string& what, const Tensor& logits, const Tensor& wanted,
                            double smoothing) {
    return Probe{"cross_entropy_gradient", what, {logits, wanted, smoothing}};
  };
  const auto with_padding =
      loss("[2, 4] targets, 3 of them ignored, V = 5", torch::randn({2, 4, 5}) * 2, targets, 0.2);
  const auto none = torch::full({3}, kIgnored);
  return {
      .name = "15_label_smoothing",
      .reference = reference,
      .faults = {{"no-smoothing"},
                 {"spread-over-others"},
                 {"target-without-share", row_sum},
                 {"whole-share-each", row_sum},
                 {"shares-swapped"},
                 {"ignored-spread"},
                 {"sum-not-mean", ratio},
                 {"mean-over-all", ratio},
                 {"mean-over-rows", ratio},
                 {"probabilities-not-logs", row_sum},
                 {"sign-turned", {}, true},
                 {"ignored-pulled", {}, true}},
      .checks = {
          {"15.1",
           Kind::kValues,
           2,
           "shares of the vocabulary",
           {{"smoothed_targets", "3 targets, V = 5, 0.2", {plain, 5, 0.2}}}},
          {"15.1",
           Kind::kOddSizes,
           1,
           "ignored targets, no smoothing, one target",
           {{"smoothed_targets",
             "[2, 4] targets, 3 of them ignored, V = 5, 0.2",
             {targets, 5, 0.2}},
            {"smoothed_targets", "V = 3, no smoothing", {torch::tensor({0, 2}), 3, 0.0}},
            {"smoothed_targets", "one target of shape [], V = 4", {torch::tensor(1), 4, 0.1}}}},
          {"15.2",
           Kind::kValues,
           1,
           "the mean loss without smoothing",
           {loss("3 targets, V = 5", torch::randn({3, 5}) * 2, plain, 0),
            loss("[2, 4] targets, 3 of them ignored", torch::randn({2, 4, 5}) * 2, targets, 0)}},
          {"15.2",
           Kind::kValues,
           1,
           "the mean loss with smoothing",
           {loss("3 targets, V = 5, 0.2", torch::randn({3, 5}) * 2, plain, 0.2), with_padding}},
          {"15.2",
           Kind::kOddSizes,
           1,
           "large logits, nothing to count",
           {loss("logits up to 200", torch::tensor({{200.0f, 0.0f, -100.0f}}), torch::tensor({2}),
                 0.1),
            loss("all targets ignored", torch::randn({3, 4}), none, 0.1),
            loss("V = 1", torch::randn({2, 1}), torch::tensor({0, 0}), 0.1)}},
          {"15.2",
           Kind::kGradients,
           1,
           "gradients of the mean",
           {with_padding, loss("transposed logits", torch::randn({5, 3}).t(), plain, 0.1)}},
          {"15.2",
           Kind::kSideEffects,
           1,
           "arguments stay as they were",
           {with_padding,
            {"smoothed_targets", "3 targets", {plain, 5, 0.2}},
            gradient("3 targets", torch::randn({3, 5}), plain, 0.2)}},
          {"15.3",
           Kind::kValues,
           1,
           "the gradient by hand",
           {gradient("3 targets, V = 5, 0.2", torch::randn({3, 5}) * 2, plain, 0.2)}},
          {"15.3",
           Kind::kOddSizes,
           1,
           "ignored targets have no gradient",
           {gradient("[2, 4] targets, 3 of them ignored", torch::randn({2, 4, 5}), targets, 0.2),
            gradient("all targets ignored", torch::randn({3, 4}), none, 0.1)}},
      }};
}

const bool added = add_exercise(make);

}  // namespace
}  // namespace exercises::exercise_15
