// 26: a frozen linear layer with a trainable update of low rank; merging it and taking it out.
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>

#include "notebooks-cpp/exercises/grader/exercise.h"
#include "notebooks-cpp/exercises/grader/value.h"

namespace exercises::exercise_26 {
namespace {

using torch::Tensor;

double scale_of(double alpha, const Tensor& a, const Faults& faults) {
  const auto r = static_cast<double>(a.size(0));
  if (faults["no-scale"]) return 1;
  if (faults["scale-alpha"]) return alpha;
  if (faults["scale-inverted"]) return r / alpha;
  if (faults["scale-by-root"]) return alpha / std::sqrt(r);
  return alpha / r;
}

Value init(const Tensor& uniform, int64_t out_features, const Faults& faults) {
  const auto r = static_cast<double>(uniform.size(0)), in = static_cast<double>(uniform.size(1));
  double bound = 1 / std::sqrt(faults["bound-by-rank"] ? r : in);
  if (faults["half-bound"]) bound /= 2;
  auto a = faults["not-centred"] ? uniform * bound : (2 * uniform - 1) * bound;
  if (faults["both-zero"]) a = torch::zeros_like(uniform);
  return c10::ivalue::Tuple::create({a, torch::zeros({out_features, uniform.size(0)})});
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& a, const Tensor& b, double alpha,
              const Faults& faults) {
  const double scale = scale_of(alpha, a, faults);
  const auto update = x.matmul(a.t()).matmul(b.t()) * scale;
  if (faults["base-forgotten"]) return update;
  auto base = x.matmul((faults["base-not-frozen"] ? weight : weight.detach()).t());
  if (faults["input-cut"]) base = base.detach();
  return faults["all-scaled"] ? base * scale + update : base + update;
}

Value reference(const Probe& probe, const Faults& faults) {
  if (probe.function == "lora_init") return init(probe.tensor(0), probe.integer(1), faults);
  if (probe.function == "lora_linear")
    return linear(probe.tensor(0), probe.tensor(1), probe.tensor(2), probe.tensor(3), probe.real(4),
                  faults);
  const auto weight = probe.tensor(0), a = probe.tensor(1), b = probe.tensor(2);
  const double scale = scale_of(probe.real(3), a, faults);
  const auto update = scale * b.matmul(a);
  if (faults["base-forgotten"]) return update;
  return faults["all-scaled"] ? weight * scale + update : weight + update;
}

/// The old weight, to the last bit.
Verdict unmerged(const Probe& probe, const Value& answer) {
  const auto weight = probe.tensor(0), got = answer.toTensor();
  if (got.sizes() != weight.sizes())
    return {"the unmerged weight has another shape: " + describe(answer)};
  const auto gap = (got.to(torch::kDouble) - weight.to(torch::kDouble)).abs();
  const auto worst = gap.nan_to_num(INFINITY, INFINITY).max().item<double>();
  if (worst == 0) return {};
  const auto update = probe.real(3) / static_cast<double>(probe.tensor(1).size(0)) *
                      probe.tensor(2).matmul(probe.tensor(1));
  // What rounding a sum can lose: half a unit in its last place, here with room for two of them.
  const double lost = (weight + update).abs().max().item<double>() * 2.5e-7;
  const std::string off = "a weight is off by " + describe_number(worst);
  return {off, worst <= lost ? "unmerge-by-subtraction" : "merged-not-undone"};
}

std::string extremes(const Probe&, const Value& answer) {
  const auto a = answer.toTupleRef().elements().at(0).toTensor();
  return "numbers lie between " + describe_number(a.min().item<double>()) + " and " +
         describe_number(a.max().item<double>());
}

std::string largest(const Probe& probe, const Value& answer) {
  const auto a = answer.toTupleRef().elements().at(0).toTensor();
  return describe_number(a.abs().max().item<double>()) + " for " +
         std::to_string(probe.tensor(0).size(1)) + " inputs and rank " +
         std::to_string(probe.tensor(0).size(0));
}

Exercise make() {
  torch::manual_seed(26);
  const auto init_probe = [](const std::string& what, int64_t r, int64_t in, int64_t out) {
    return Probe{"lora_init", what, {torch::rand({r, in}), out}};
  };
  const auto linear_probe = [](const std::string& what, const Tensor& x, int64_t out, int64_t r,
                               double alpha) {
    const int64_t in = x.size(-1);
    return Probe{
        "lora_linear",
        what,
        {x, torch::randn({out, in}), torch::randn({r, in}), torch::randn({out, r}), alpha}};
  };
  const auto merge_probe = [](const std::string& function, const std::string& what, int64_t out,
                              int64_t in, int64_t r, double alpha, double size) {
    return Probe{
        function,
        what,
        {torch::randn({out, in}), torch::randn({r, in}) * size, torch::randn({out, r}), alpha}};
  };
  const auto by_hand = Probe{"lora_linear",
                             "the numbers of README.md",
                             {torch::tensor({{1.0f, 1.0f}}), torch::tensor({{1.0f, 2.0f}}),
                              torch::tensor({{3.0f, 4.0f}}), torch::tensor({{5.0f}}), 2.0}};
  const auto plain =
      linear_probe("5 rows, 3 inputs, 4 outputs, rank 2, alpha 8", torch::randn({5, 3}), 4, 2, 8);
  const auto merge =
      merge_probe("lora_merge", "4 outputs, 3 inputs, rank 2, alpha 8", 4, 3, 2, 8, 1);
  auto fresh = linear_probe("a fresh adapter: B is zero", torch::randn({5, 3}), 4, 2, 8);
  fresh.arguments[3] = torch::zeros({4, 2});
  const auto large = linear_probe("2 rows, 16384 inputs, 256 outputs, rank 4",
                                  torch::randn({2, 16384}), 256, 4, 8);
  return {
      .name = "26_lora",
      .reference = reference,
      .faults = {{"no-scale"},
                 {"scale-alpha"},
                 {"scale-inverted"},
                 {"scale-by-root"},
                 {"all-scaled"},
                 {"base-forgotten"},
                 {"base-not-frozen"},
                 {"input-cut"},
                 {"bound-by-rank", largest},
                 {"not-centred", extremes},
                 {"half-bound", extremes},
                 {"both-zero", {}, true}},
      .checks = {
          {"26.1",
           Kind::kValues,
           1,
           "a fresh adapter",
           {init_probe("rank 2, 5 inputs, 4 outputs", 2, 5, 4),
            init_probe("rank 3, 7 inputs, 2 outputs", 3, 7, 2)}},
          {"26.1",
           Kind::kOddSizes,
           1,
           "rank 1, one input, a rank above both sizes",
           {init_probe("rank 1, 4 inputs, one output", 1, 4, 1),
            init_probe("rank 2, one input, 3 outputs", 2, 1, 3),
            init_probe("rank 6, 3 inputs, 2 outputs", 6, 3, 2)}},
          {"26.2",
           Kind::kValues,
           1,
           "a frozen layer and its update",
           {plain, by_hand,
            linear_probe("2 sequences of 3 rows, rank 4, alpha 2", torch::randn({2, 3, 5}), 2, 4,
                         2)}},
          {"26.2",
           Kind::kOddSizes,
           1,
           "B of zero, rank 1, a rank above both sizes, a transposed x",
           {fresh, linear_probe("one row of shape [3], rank 1", torch::randn({3}), 4, 1, 0.5),
            linear_probe("rank 5, 2 inputs, one output", torch::randn({4, 2}), 1, 5, 3),
            linear_probe("a transposed x", torch::randn({3, 5}).t(), 4, 3, 7)}},
          {"26.2",
           Kind::kGradients,
           2,
           "gradients of x, A and B, none of the weight",
           {plain, fresh, linear_probe("2 sequences of 3 rows", torch::randn({2, 3, 5}), 2, 4, 2)}},
          {.part = "26.2",
           .kind = Kind::kSideEffects,
           .marks = 1,
           .title = "no second matrix of the weight's size, 16 MB",
           .probes = {large, plain},
           .seconds = 1,
           .megabytes = 8},
          {"26.3",
           Kind::kValues,
           1,
           "one weight for both",
           {merge, merge_probe("lora_merge", "one output, 2 inputs, rank 3", 1, 2, 3, 5, 1)}},
          {"26.3", Kind::kSideEffects, 1, "arguments stay as they were", {merge}},
          {.part = "26.4",
           .kind = Kind::kOddSizes,
           .marks = 1,
           .title = "the old weight, bit for bit",
           .probes = {merge_probe("lora_unmerge", "4 outputs, 3 inputs, rank 2", 4, 3, 2, 8, 1),
                      merge_probe("lora_unmerge", "an update 1000 times the weight", 5, 3, 2, 8,
                                  1000)},
           .verify = unmerged},
      }};
}

const bool added = add_exercise(make);

}  // namespace
}  // namespace exercises::exercise_26
