// 27: log-probabilities of answers, the DPO loss against a frozen reference, its gradient by hand.
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>

#include "notebooks-cpp/exercises/grader/exercise.h"
#include "notebooks-cpp/exercises/grader/value.h"

namespace exercises::exercise_27 {
namespace {

using torch::Tensor;

Tensor log_probs(const Tensor& logits, const Tensor& tokens, const Tensor& is_answer,
                 const Faults& faults) {
  const int64_t T = tokens.size(1);
  auto table = torch::log_softmax(logits, -1);
  if (faults["probabilities-not-logs"]) table = torch::softmax(logits, -1);
  if (faults["logits-not-normalised"]) table = logits;
  auto predicted = tokens.narrow(1, 1, T - 1), counts = is_answer.narrow(1, 1, T - 1);
  table = table.narrow(1, faults["shifted-back"] ? 1 : 0, T - 1);
  if (faults["mask-not-shifted"]) counts = is_answer.narrow(1, 0, T - 1);
  if (faults["shifted-back"]) {
    predicted = tokens.narrow(1, 0, T - 1);
    counts = is_answer.narrow(1, 0, T - 1);
  }
  if (faults["not-shifted"]) {
    table = torch::log_softmax(logits, -1);
    predicted = tokens;
    counts = is_answer;
  }
  if (faults["mask-inverted"]) counts = counts.logical_not();
  if (faults["mask-ignored"]) counts = torch::ones_like(counts);
  auto of_tokens = table.gather(-1, predicted.unsqueeze(-1)).squeeze(-1);
  if (faults["hidden-infinity"])
    of_tokens = of_tokens * counts;
  else
    of_tokens = of_tokens.masked_fill(counts.logical_not(), 0.0);
  const auto sum = of_tokens.sum(-1);
  return faults["mean-not-sum"] ? sum / counts.sum(-1).clamp_min(1) : sum;
}

Tensor margin(const Probe& probe, const Faults& faults) {
  auto reference = probe.tensor(2) - probe.tensor(3);
  if (!faults["reference-not-frozen"]) reference = reference.detach();
  auto d = probe.tensor(0) - probe.tensor(1);
  if (faults["reference-reversed"])
    d = d + reference;
  else if (!faults["no-reference"])
    d = d - reference;
  return faults["roles-swapped"] && probe.function == "dpo_loss" ? -d : d;
}

Value reference(const Probe& probe, const Faults& faults) {
  if (probe.function == "answer_log_probs")
    return log_probs(probe.tensor(0), probe.tensor(1), probe.tensor(2), faults);
  const double beta = faults["no-beta"] ? 1 : probe.real(4);
  const auto d = margin(probe, faults);
  const double N = faults["sum-not-mean"] ? 1 : static_cast<double>(d.numel());
  if (probe.function == "dpo_loss") {
    if (faults["beta-outside"]) return -beta * torch::log_sigmoid(d).sum() / N;
    if (faults["corner-at-zero"]) {
      const auto z = beta * d;
      return ((-z).clamp_min(0) + (-z.abs()).exp().log1p()).sum() / N;
    }
    if (faults["overflow"])  // in float, as the student computes
      return -(beta * d).to(torch::kFloat).sigmoid().log().sum().to(torch::kDouble) / N;
    return -torch::log_sigmoid(beta * d).sum() / N;
  }
  auto weight = torch::sigmoid(faults["weight-inverted"] ? beta * d : -beta * d);
  if (faults["beta-outside"]) weight = torch::sigmoid(-d);
  if (faults["weight-missing"]) weight = torch::ones_like(d);
  const auto g = (faults["sign-turned"] ? -1 : 1) * weight * (beta / N);
  return c10::ivalue::Tuple::create({-g, g});
}

std::string loss(const Probe& probe, const Value& answer) {
  if (probe.function != "dpo_loss") return "has another gradient";
  return "is " + describe_number(answer.toTensor().item<double>()) + " for " + probe.what;
}

Exercise make() {
  torch::manual_seed(27);
  const auto T = true, F = false;
  const auto is_answer = torch::tensor({{F, F, T, T, T, F}, {F, T, T, F, F, F}, {F, F, F, T, F, F}})
                             .to(torch::kBool)
                             .reshape({3, 6});
  const auto sequences = [](const std::string& what, const Tensor& logits, const Tensor& mask) {
    return Probe{"answer_log_probs",
                 what,
                 {logits, torch::randint(logits.size(2), {logits.size(0), logits.size(1)}), mask}};
  };
  const auto plain = sequences("3 sequences, T = 6, V = 5", torch::randn({3, 6, 5}) * 2, is_answer);
  auto impossible = torch::randn({3, 6, 5});
  auto outside = sequences("a token after the answer has probability 0", impossible, is_answer);
  impossible[1][3][outside.tensor(1)[1][4].item<int64_t>()] = -INFINITY;
  const auto pairs = [](const std::string& function, const std::string& what, int64_t N,
                        double size, double beta) {
    Probe probe{function, what, {}};
    for (int n = 0; n < 4; ++n) probe.arguments.emplace_back(torch::randn({N}) * size - 5);
    probe.arguments.emplace_back(beta);
    return probe;
  };
  auto equal = pairs("dpo_loss", "3 pairs, policy equal to reference", 3, 2, 0.3);
  equal.arguments[2] = equal.tensor(0).clone();
  equal.arguments[3] = equal.tensor(1).clone();
  const auto far = [](const std::string& function) {
    return Probe{function,
                 "βd of -500 and 400",
                 {torch::tensor({-1010.0f, -10.0f}), torch::tensor({-10.0f, -810.0f}),
                  torch::tensor({-20.0f, -30.0f}), torch::tensor({-20.0f, -30.0f}), 0.5}};
  };
  const auto by_hand = [](const std::string& function) {
    return Probe{function,
                 "the numbers of README.md",
                 {torch::tensor({-2.0f}), torch::tensor({-3.0f}), torch::tensor({-2.5f}),
                  torch::tensor({-2.0f}), 0.1}};
  };
  const auto loss_of_4 = pairs("dpo_loss", "4 pairs, β = 0.4", 4, 2, 0.4);
  const auto gradient_of_4 = pairs("dpo_gradient", "4 pairs, β = 0.4", 4, 2, 0.4);
  return {
      .name = "27_dpo_loss",
      .reference = reference,
      .faults = {{"not-shifted", {}, true},
                 {"shifted-back", {}, true},
                 {"mask-not-shifted"},
                 {"mean-not-sum"},
                 {"mask-ignored"},
                 {"mask-inverted"},
                 {"probabilities-not-logs"},
                 {"logits-not-normalised"},
                 {"hidden-infinity"},
                 {"no-reference", loss},
                 {"reference-reversed", loss},
                 {"beta-outside", loss},
                 {"no-beta", loss},
                 {"roles-swapped", loss},
                 {"sum-not-mean"},
                 {"reference-not-frozen"},
                 {"overflow", {}, true},
                 {"corner-at-zero", {}, true},
                 {"weight-inverted"},
                 {"weight-missing"},
                 {"sign-turned"}},
      .checks = {
          {"27.1",
           Kind::kValues,
           2,
           "log-probabilities of answers",
           {plain,
            sequences("2 sequences, T = 4, V = 7", torch::randn({2, 4, 7}) * 2,
                      torch::tensor({F, F, T, T, F, T, T, F}).to(torch::kBool).reshape({2, 4}))}},
          {"27.1",
           Kind::kOddSizes,
           1,
           "no answer, one token, impossible tokens, large logits",
           {sequences("no answer token", torch::randn({2, 3, 4}),
                      torch::zeros({2, 3}, torch::kBool)),
            sequences("one token, counted", torch::randn({2, 1, 4}),
                      torch::ones({2, 1}, torch::kBool)),
            sequences("all tokens counted, the first too", torch::randn({1, 5, 3}),
                      torch::ones({1, 5}, torch::kBool)),
            sequences("logits up to 200",
                      torch::tensor({{{200.0f, 0.0f, -100.0f}, {0.0f, 150.0f, 1.0f}}}),
                      torch::ones({1, 2}, torch::kBool)),
            sequences("transposed logits", torch::randn({3, 5, 6}).transpose(1, 2), is_answer),
            outside}},
          {"27.1", Kind::kGradients, 1, "gradients of the logits", {plain}},
          {"27.2",
           Kind::kValues,
           1,
           "the loss; ln 2 where policy and reference agree",
           {equal, loss_of_4, by_hand("dpo_loss")}},
          {"27.2",
           Kind::kOddSizes,
           1,
           "far from the reference",
           {far("dpo_loss"), pairs("dpo_loss", "one pair, β = 2", 1, 3, 2)}},
          {"27.2",
           Kind::kGradients,
           1,
           "gradients of the policy, none of the reference",
           {loss_of_4, equal}},
          {"27.2",
           Kind::kSideEffects,
           1,
           "arguments stay as they were",
           {loss_of_4, plain, gradient_of_4}},
          {"27.3",
           Kind::kValues,
           1,
           "the gradient by hand",
           {gradient_of_4, by_hand("dpo_gradient")}},
          {"27.3",
           Kind::kOddSizes,
           1,
           "pairs that are ranked rightly or wrongly by far",
           {far("dpo_gradient"), pairs("dpo_gradient", "3 pairs, β = 2", 3, 3, 2)}},
      }};
}

const bool added = add_exercise(make);

}  // namespace
}  // namespace exercises::exercise_27
