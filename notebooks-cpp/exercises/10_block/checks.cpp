// 10: where the norms and the residual sums of a block go, and what ends a stack of blocks.
#include <torch/types.h>
#include <torch/utils.h>

#include "notebooks-cpp/exercises/10_block/sub_layers.h"
#include "notebooks-cpp/exercises/grader/exercise.h"
#include "notebooks-cpp/exercises/grader/value.h"

namespace exercises::exercise_10 {
namespace {

torch::Tensor residual(const torch::Tensor& x, const SubLayer& norm, const SubLayer& sub_layer,
                       bool post, const Faults& faults) {
  if (faults["place-swapped"]) post = !post;
  if (faults["no-residual"]) return post ? norm(sub_layer(x)) : sub_layer(norm(x));
  if (faults["norm-on-branch"] && post) return x + norm(sub_layer(x));
  if (faults["norm-on-both"] && !post) return norm(x) + sub_layer(norm(x));
  if (faults["norm-after-sum-too"] && !post) return norm(x + sub_layer(norm(x)));
  return post ? norm(x + sub_layer(x)) : x + sub_layer(norm(x));
}

torch::Tensor block(const torch::Tensor& x, SubLayer attention_norm, SubLayer attention,
                    SubLayer feed_forward_norm, SubLayer feed_forward, bool post,
                    const Faults& faults) {
  if (faults["one-norm-for-both"]) feed_forward_norm = attention_norm;
  if (faults["order-swapped"]) {
    std::swap(attention, feed_forward);
    std::swap(attention_norm, feed_forward_norm);
  }
  const auto h = residual(x, attention_norm, attention, post, faults);
  if (faults["side-by-side"])
    return h + residual(x, feed_forward_norm, feed_forward, post, faults) - x;
  if (faults["second-sum-from-input"])
    return post ? feed_forward_norm(x + feed_forward(h)) : x + feed_forward(feed_forward_norm(h));
  return residual(h, feed_forward_norm, feed_forward, post, faults);
}

torch::Tensor stack(const torch::Tensor& x, const std::vector<torch::Tensor>& weights,
                    const SubLayer& final_norm, bool post, const Faults& faults) {
  auto h = x;
  for (const auto& weight : weights) {
    h = feed_forward_of(weight)(h);
    if (faults["norm-after-each-block"] && !post) h = final_norm(h);
  }
  if (faults["norm-after-each-block"] || faults["no-final-norm"]) return h;
  return post && !faults["final-norm-always"] ? h : final_norm(h);
}

Value reference(const Probe& probe, const Faults& faults) {
  if (probe.function == "residual")
    return residual(probe.tensor(0), norm_of(probe.tensor(1)), feed_forward_of(probe.tensor(2)),
                    probe.flag(3), faults);
  if (probe.function == "block")
    return block(probe.tensor(0), norm_of(probe.tensor(1)), attention_of(probe.tensor(2)),
                 norm_of(probe.tensor(3)), feed_forward_of(probe.tensor(4)), probe.flag(5), faults);
  return stack(probe.tensor(0), probe.arguments.at(1).toTensorVector(), norm_of(probe.tensor(2)),
               probe.flag(3), faults);
}

std::string first_row(const Probe&, const Value& answer) {
  const auto rows = answer.toTensor();
  const auto row = rows.reshape({-1, rows.size(-1)})[0];
  return "the first row has mean " + describe_number(row.mean().item<double>()) +
         " and deviation " + describe_number(row.std(false).item<double>());
}

Probe residual_probe(const std::string& what, const torch::Tensor& x, bool post) {
  const int64_t C = x.size(-1);
  return {"residual", what, {x, torch::rand({C}) + 0.5, torch::randn({C, C}), post}};
}

Probe block_probe(const std::string& what, const torch::Tensor& x, bool post) {
  const int64_t T = x.size(1), C = x.size(2);
  return {"block",
          what,
          {x, torch::rand({C}) + 0.5, torch::randn({T, T}), torch::rand({C}) + 0.5,
           torch::randn({C, C}), post}};
}

Probe stack_probe(const std::string& what, const torch::Tensor& x, int64_t L, bool post) {
  const int64_t C = x.size(-1);
  std::vector<torch::Tensor> weights;
  for (int64_t n = 0; n < L; ++n) weights.push_back(torch::randn({C, C}));
  return {"stack", what, {x, weights, torch::rand({C}) + 0.5, post}};
}

Exercise make() {
  torch::manual_seed(10);
  const auto x = [](at::IntArrayRef shape) { return torch::randn(shape) * 2 + 0.5; };
  const auto turned = x({3, 4, 2}).transpose(1, 2);  // [3, 2, 4], not contiguous
  const auto pre = block_probe("pre-norm, 5 tokens, C = 4", x({2, 5, 4}), false);
  const auto post = block_probe("post-norm, 5 tokens, C = 4", x({2, 5, 4}), true);
  const auto residual_pre = residual_probe("5 tokens, C = 4", x({2, 5, 4}), false);
  const auto residual_post = residual_probe("5 tokens, C = 4", x({2, 5, 4}), true);
  return {.name = "10_block",
          .reference = reference,
          .faults = {{"place-swapped", first_row},
                     {"no-residual"},
                     {"norm-on-branch", first_row},
                     {"norm-on-both", first_row},
                     {"norm-after-sum-too", first_row},
                     {"one-norm-for-both"},
                     {"order-swapped"},
                     {"side-by-side"},
                     {"second-sum-from-input"},
                     {"no-final-norm", first_row, true},
                     {"final-norm-always", first_row, true},
                     {"norm-after-each-block", {}, true}},
          .checks = {
              {"10.1", Kind::kValues, 1, "pre-norm", {residual_pre}},
              {"10.1", Kind::kValues, 1, "post-norm", {residual_post}},
              {"10.1",
               Kind::kOddSizes,
               1,
               "one token, a strided input",
               {residual_probe("one token, C = 3", x({1, 1, 3}), false),
                residual_probe("one token, C = 3, post-norm", x({1, 1, 3}), true),
                residual_probe("x is a transposed view", turned, false)}},
              {"10.1",
               Kind::kGradients,
               1,
               "gradients of x and of the weights",
               {residual_probe("pre-norm", x({2, 3, 4}), false),
                residual_probe("post-norm", x({2, 3, 4}), true)}},
              {"10.2", Kind::kValues, 2, "two sub-layers", {pre, post}},
              {"10.2",
               Kind::kOddSizes,
               1,
               "one token, a strided input",
               {block_probe("one token, C = 3", x({2, 1, 3}), false),
                block_probe("x is a transposed view", turned, true)}},
              {"10.2",
               Kind::kGradients,
               1,
               "gradients through both sums",
               {block_probe("pre-norm", x({2, 3, 4}), false),
                block_probe("post-norm", x({2, 3, 4}), true)}},
              {"10.3",
               Kind::kValues,
               1,
               "three blocks, and none",
               {stack_probe("3 blocks, pre-norm", x({2, 5, 4}), 3, false),
                stack_probe("3 blocks, post-norm", x({2, 5, 4}), 3, true),
                stack_probe("no block, pre-norm", x({2, 5, 4}), 0, false)}},
              {"10.3",
               Kind::kSideEffects,
               1,
               "arguments stay as they were",
               {residual_pre, residual_post, pre, post,
                stack_probe("2 blocks", x({2, 5, 4}), 2, true)}},
          }};
}

const bool added = add_exercise(make);

}  // namespace
}  // namespace exercises::exercise_10
