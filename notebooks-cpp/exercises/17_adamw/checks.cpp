// 17: AdamW, one update and several.
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>

#include "notebooks-cpp/exercises/grader/exercise.h"
#include "notebooks-cpp/exercises/grader/value.h"

namespace exercises::exercise_17 {
namespace {

using torch::Tensor;

struct Options {
  double beta1, beta2, epsilon, weight_decay;
};

Options options_of(const Value& value) {
  const auto numbers = value.toDoubleVector();
  return {numbers.at(0), numbers.at(1), numbers.at(2), numbers.at(3)};
}

std::tuple<Tensor, Tensor> update_moments(const Tensor& gradient, const Tensor& exp_avg,
                                          const Tensor& exp_avg_sq, Options o,
                                          const Faults& faults) {
  if (faults["betas-swapped"]) std::swap(o.beta1, o.beta2);
  if (faults["shares-swapped"]) o.beta1 = 1 - o.beta1, o.beta2 = 1 - o.beta2;
  const auto square = faults["square-missing"] ? gradient : gradient * gradient;
  const double share1 = faults["share-missing"] ? 1 : 1 - o.beta1;
  const double share2 = faults["share-missing"] ? 1 : 1 - o.beta2;
  return {o.beta1 * exp_avg + share1 * gradient, o.beta2 * exp_avg_sq + share2 * square};
}

std::tuple<Tensor, Tensor, Tensor> adamw_step(const Tensor& parameter, const Tensor& given,
                                              const Tensor& exp_avg, const Tensor& exp_avg_sq,
                                              int64_t step, double rate, const Options& o,
                                              const Faults& faults) {
  const auto gradient = faults["l2-decay"] ? given + o.weight_decay * parameter : given;
  const auto [m, v] = update_moments(gradient, exp_avg, exp_avg_sq, o, faults);
  const double t = static_cast<double>(step) + (faults["step-too-large"] ? 1 : 0);
  const bool none = faults["no-bias-correction"];
  const auto mean = none ? m : m / (1 - std::pow(o.beta1, t));
  const auto square = none ? v : v / (1 - std::pow(o.beta2, t));
  auto move = mean / (square.sqrt() + o.epsilon);
  if (faults["root-missing"]) move = mean / (square + o.epsilon);
  if (faults["epsilon-in-root"]) move = mean / (square + o.epsilon).sqrt();
  double decay = rate * o.weight_decay;
  if (faults["decay-without-rate"]) decay = o.weight_decay;
  if (faults["decay-missing"] || faults["l2-decay"]) decay = 0;
  const auto result = (1 - decay) * parameter - rate * move;
  if (faults["corrected-kept"]) return {result, mean, square};
  return {result, m, v};
}

Tensor adamw_steps(const Tensor& parameter, const Tensor& gradients,
                   const std::vector<double>& rates, const Options& o, const Faults& faults) {
  auto p = parameter, m = torch::zeros_like(parameter), v = torch::zeros_like(parameter);
  for (int64_t n = 0; n < gradients.size(0); ++n) {
    if (faults["moments-forgotten"]) m = torch::zeros_like(m), v = torch::zeros_like(v);
    const double rate = rates.at(faults["first-rate-only"] ? 0 : static_cast<size_t>(n));
    const int64_t step = faults["always-step-one"] ? 1 : n + 1;
    std::tie(p, m, v) = adamw_step(p, gradients[n], m, v, step, rate, o, faults);
  }
  return p;
}

Value reference(const Probe& probe, const Faults& faults) {
  if (probe.function == "update_moments")
    return update_moments(probe.tensor(0), probe.tensor(1), probe.tensor(2),
                          options_of(probe.arguments.at(3)), faults);
  if (probe.function == "adamw_step")
    return adamw_step(probe.tensor(0), probe.tensor(1), probe.tensor(2), probe.tensor(3),
                      probe.integer(4), probe.real(5), options_of(probe.arguments.at(6)), faults);
  return adamw_steps(probe.tensor(0), probe.tensor(1), probe.arguments.at(2).toDoubleVector(),
                     options_of(probe.arguments.at(3)), faults);
}

/// The parameter's first number before and after.
std::string moved(const Probe& probe, const Value& answer) {
  if (probe.function != "adamw_step") return {};
  const auto first = [](const Tensor& t) {
    return describe_number(t.reshape({-1})[0].item<double>());
  };
  return first(probe.tensor(0)) + " with gradient " + first(probe.tensor(1)) + " becomes " +
         first(answer.toTupleRef().elements()[0].toTensor());
}

const std::vector<double> kOptions = {0.8, 0.95, 1e-8, 0.3};

Probe step_probe(const std::string& what, at::IntArrayRef shape, int64_t step, double rate,
                 const std::vector<double>& options = kOptions) {
  const auto m = step == 1 ? torch::zeros(shape) : torch::randn(shape);
  const auto v = step == 1 ? torch::zeros(shape) : torch::rand(shape) + 0.5;
  return {"adamw_step",
          what,
          {torch::randn(shape) + 2, torch::randn(shape), m, v, step, rate, options}};
}

Exercise make() {
  torch::manual_seed(17);
  auto still = step_probe("a gradient of 0, first step", {4}, 1, 0.1);
  still.arguments[1] = torch::zeros({4});
  auto strided = step_probe("transposed views", {3, 2}, 3, 0.1);
  for (size_t n = 0; n < 4; ++n) strided.arguments[n] = strided.tensor(n).t();
  auto tiny = step_probe("gradients near 1e-9, epsilon 1e-8", {3}, 1, 0.1);
  tiny.arguments[1] = torch::tensor({1e-9f, -3e-9f, 2e-8f});
  const auto usual = step_probe("5th step, [2, 3]", {2, 3}, 5, 0.1);
  const Probe moments{"update_moments",
                      "[2, 3]",
                      {torch::randn({2, 3}), torch::randn({2, 3}), torch::rand({2, 3}), kOptions}};
  const Probe several{"adamw_steps",
                      "4 steps, [2, 3], rates 0.2, 0.1, 0.3, 0.05",
                      {torch::randn({2, 3}) + 2, torch::randn({4, 2, 3}),
                       std::vector<double>{0.2, 0.1, 0.3, 0.05}, kOptions}};
  return {
      .name = "17_adamw",
      .reference = reference,
      .faults = {{"betas-swapped"},
                 {"shares-swapped", {}, true},
                 {"square-missing"},
                 {"share-missing"},
                 {"l2-decay", moved},
                 {"no-bias-correction", moved},
                 {"step-too-large", moved},
                 {"root-missing", moved},
                 {"epsilon-in-root", moved},
                 {"decay-without-rate", moved},
                 {"decay-missing", moved},
                 {"corrected-kept", {}, true},
                 {"moments-forgotten", {}, true},
                 {"first-rate-only"},
                 {"always-step-one"}},
      .checks = {
          {"17.1", Kind::kValues, 2, "both moments", {moments}},
          {"17.1",
           Kind::kOddSizes,
           1,
           "moments of one number and of none",
           {{"update_moments",
             "shape []",
             {torch::tensor(0.5f), torch::tensor(-1.0f), torch::tensor(0.25f), kOptions}},
            {"update_moments",
             "shape [0]",
             {torch::zeros({0}), torch::zeros({0}), torch::zeros({0}), kOptions}}}},
          {"17.2",
           Kind::kValues,
           2,
           "one update",
           {step_probe("first step, [4]", {4}, 1, 0.1), usual}},
          {"17.2", Kind::kValues, 1, "a gradient of zero: only decay moves", {still}},
          {"17.2",
           Kind::kOddSizes,
           1,
           "tiny gradients, a large epsilon, strided tensors",
           {tiny, step_probe("epsilon 0.5", {3}, 2, 0.1, {0.8, 0.95, 0.5, 0.3}), strided}},
          {"17.2", Kind::kSideEffects, 1, "arguments stay as they were", {usual, moments, several}},
          {"17.3", Kind::kValues, 1, "four steps", {several}},
          {"17.3",
           Kind::kOddSizes,
           1,
           "one step, none, one number",
           {{"adamw_steps",
             "no step",
             {torch::randn({3}), torch::zeros({0, 3}), std::vector<double>{}, kOptions}},
            {"adamw_steps",
             "3 steps of one number, shape []",
             {torch::tensor(2.0f), torch::tensor({0.5f, -2.0f, 1.0f}),
              std::vector<double>{0.1, 0.2, 0.3}, kOptions}}}},
      }};
}

const bool added = add_exercise(make);

}  // namespace
}  // namespace exercises::exercise_17
