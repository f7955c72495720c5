// 09: layer norm, and its gradients by hand.
#include <torch/types.h>
#include <torch/utils.h>

#include "notebooks-cpp/exercises/grader/exercise.h"
#include "notebooks-cpp/exercises/grader/value.h"

namespace exercises::exercise_09 {
namespace {

struct Statistics {
  torch::Tensor mean, inverse;  // [..., 1]
};

Statistics statistics(const torch::Tensor& x, double epsilon, const Faults& faults) {
  int64_t axis = -1;
  if (faults["over-tokens"] && x.dim() > 1) axis = -2;
  if (faults["over-the-batch"]) axis = 0;
  const auto mean = x.mean(axis, true);
  const auto variance = x.var(axis, faults["divided-by-one-fewer"], true);
  if (faults["epsilon-forgotten"]) return {mean, variance.rsqrt()};
  if (faults["epsilon-outside"]) return {mean, (variance.sqrt() + epsilon).reciprocal()};
  if (faults["no-root"]) return {mean, (variance + epsilon).reciprocal()};
  return {mean, (variance + epsilon).rsqrt()};
}

torch::Tensor forward(const Probe& probe, const Faults& faults) {
  const auto x = probe.tensor(0);
  const auto [mean, inverse] = statistics(x, probe.real(3), faults);
  const auto normal = (faults["mean-kept"] ? x : x - mean) * inverse;
  if (faults["weight-and-bias-ignored"]) return normal;
  return normal * probe.tensor(1) + probe.tensor(2);
}

Value backward(const Probe& probe, const Faults& faults) {
  const auto dy = probe.tensor(0), x = probe.tensor(1), weight = probe.tensor(2);
  const auto [mean, inverse] = statistics(x, probe.real(3), faults);
  const auto normal = (x - mean) * inverse;
  const auto g = faults["weight-forgotten"] ? dy : dy * weight;
  auto dx = g;
  if (!faults["mean-path-forgotten"]) dx = dx - g.mean(-1, true);
  if (!faults["variance-path-forgotten"]) dx = dx - normal * (g * normal).mean(-1, true);
  if (!faults["deviation-forgotten"]) dx = dx * inverse;
  const int64_t C = x.size(-1);
  auto dweight = (dy * (faults["dweight-of-x"] ? x : normal)).reshape({-1, C});
  auto dbias = dy.reshape({-1, C});
  const bool mean_of_tokens = faults["mean-over-tokens"];
  return c10::ivalue::Tuple::create({dx, mean_of_tokens ? dweight.mean(0) : dweight.sum(0),
                                     mean_of_tokens ? dbias.mean(0) : dbias.sum(0)});
}

Value reference(const Probe& probe, const Faults& faults) {
  if (probe.function == "layer_norm") return forward(probe, faults);
  return backward(probe, faults);
}

std::string moments(const Probe& probe, const Value& answer) {
  if (probe.function != "layer_norm") return "the gradients follow other statistics";
  const auto y = (answer.toTensor() - probe.tensor(2)) / probe.tensor(1);
  const auto row = y.reshape({-1, y.size(-1)})[0];
  return "without weight and bias, a row has mean " + describe_number(row.mean().item<double>()) +
         " and variance " + describe_number(row.var(false).item<double>());
}

std::string sums(const Probe& probe, const Value& answer) {
  const auto dx = answer.toTupleRef().elements().at(0).toTensor();
  const auto x = probe.tensor(1);
  const auto normal = (x - x.mean(-1, true)) / x.std(-1, false, true);
  const auto first = [&](const torch::Tensor& t) {
    return describe_number(t.sum(-1).reshape({-1})[0].item<double>());
  };
  return "your dx of a row sums to " + first(dx) + ", times the normalised row to " +
         first(dx * normal);
}

Exercise make() {
  torch::manual_seed(9);
  const auto random = [](at::IntArrayRef sizes) { return torch::randn(sizes); };
  const auto x = random({3, 4}) * 2 + 1, rows = random({2, 3, 5}) * 3 - 1;
  const auto w4 = random({4}), b4 = random({4}), w5 = random({5}), b5 = random({5});
  auto flat = random({2, 4});
  flat[1] = 2.0;
  const auto one = torch::ones({2}), none = torch::zeros({2});
  const auto hand = torch::tensor({{1.0f, 3.0f}});
  const auto turned = random({4, 3}).t();  // [3, 4], not contiguous
  return {.name = "09_layer_norm",
          .reference = reference,
          .faults = {{"divided-by-one-fewer", moments},
                     {"epsilon-outside", moments},
                     {"epsilon-forgotten", moments},
                     {"no-root", moments},
                     {"mean-kept", moments},
                     {"over-tokens", moments},
                     {"over-the-batch", moments},
                     {"weight-and-bias-ignored"},
                     {"mean-path-forgotten", sums},
                     {"variance-path-forgotten", sums},
                     {"deviation-forgotten"},
                     {"weight-forgotten"},
                     {"dweight-of-x"},
                     {"mean-over-tokens"}},
          .checks = {
              {"09.1",
               Kind::kValues,
               2,
               "each row to mean 0 and variance 1",
               {{"layer_norm", "3 tokens, C = 4", {x, w4, b4, 1e-5}},
                {"layer_norm", "the row (1, 3)", {hand, one, none, 1e-5}},
                {"layer_norm", "2 sequences of 3 tokens, C = 5", {rows, w5, b5, 1e-5}}}},
              {"09.1",
               Kind::kOddSizes,
               1,
               "tiny numbers, equal numbers, one channel",
               {{"layer_norm", "numbers near 0.001", {x * 1e-3, w4, b4, 1e-5}},
                {"layer_norm", "a row of four equal numbers", {flat, w4, b4, 1e-5}},
                {"layer_norm", "one channel", {random({3, 1}), random({1}), random({1}), 1e-5}},
                {"layer_norm", "one token without a batch", {random({4}), w4, b4, 0.1}}}},
              {"09.1",
               Kind::kGradients,
               1,
               "autograd finds its gradients",
               {{"layer_norm", "3 tokens, C = 4", {x, w4, b4, 1e-5}}}},
              {"09.2",
               Kind::kShape,
               1,
               "gradients have the shapes of x, weight and bias",
               {{"layer_norm_backward",
                 "2 sequences of 3 tokens, C = 5",
                 {random({2, 3, 5}), rows, w5, 1e-5}},
                {"layer_norm_backward", "one token without a batch", {b4, random({4}), w4, 1e-5}}}},
              {"09.2",
               Kind::kValues,
               3,
               "gradients of x, weight and bias",
               {{"layer_norm_backward", "3 tokens, C = 4", {random({3, 4}), x, w4, 1e-5}},
                {"layer_norm_backward",
                 "2 sequences of 3 tokens, C = 5",
                 {random({2, 3, 5}), rows, w5, 1e-5}}}},
              {"09.2",
               Kind::kOddSizes,
               1,
               "a large epsilon, equal numbers, x not contiguous",
               {{"layer_norm_backward", "epsilon 0.5", {random({3, 4}), turned, w4, 0.5}},
                {"layer_norm_backward",
                 "a row of four equal numbers",
                 {random({2, 4}), flat, w4, 1e-3}},
                {"layer_norm_backward", "one token", {random({1, 4}), random({1, 4}), w4, 1e-5}}}},
              {"09.2",
               Kind::kSideEffects,
               1,
               "arguments stay as they were",
               {{"layer_norm", "3 tokens, C = 4", {x, w4, b4, 1e-5}},
                {"layer_norm_backward", "3 tokens, C = 4", {random({3, 4}), x, w4, 1e-5}}}},
          }};
}

const bool added = add_exercise(make);

}  // namespace
}  // namespace exercises::exercise_09
