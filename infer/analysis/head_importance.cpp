// A head's output enters the sum of all heads through its columns of out_proj: a gate g on the head
// is the same as g times those columns. So the columns' gradient gives the gate's,
// dL/dg = <W_h, dL/dW_h> at g = 1, and zero columns leave the head out.
#include "infer/analysis/head_importance.h"

#include <c10/util/Exception.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace zoo {
namespace {

using HeadPlace = std::pair<int64_t, int64_t>;

torch::Tensor columns_of(const NamedAttention& attention, int64_t head) {
  const int64_t Dh = attention.layer->options.head_width;
  return attention.layer->out_proj->weight.narrow(1, head * Dh, Dh);  // [C, Dh]
}

/// Zeroes heads, and gives their weights back at the end.
class LeftOut {
 public:
  explicit LeftOut(const std::vector<NamedAttention>& layers) : layers_(layers) {
    for (const auto& attention : layers_)
      kept_.push_back(attention.layer->out_proj->weight.detach().clone());
  }
  LeftOut(const LeftOut&) = delete;
  LeftOut& operator=(const LeftOut&) = delete;
  ~LeftOut() { restore(); }
  void add(const HeadPlace& head) {
    const torch::NoGradGuard no_grad;
    columns_of(layers_[static_cast<size_t>(head.first)], head.second).zero_();
  }
  void restore() {
    const torch::NoGradGuard no_grad;
    for (size_t n = 0; n < layers_.size(); ++n) layers_[n].layer->out_proj->weight.copy_(kept_[n]);
  }

 private:
  const std::vector<NamedAttention>& layers_;
  std::vector<torch::Tensor> kept_;
};

std::vector<HeadPlace> all_heads(const std::vector<NamedAttention>& layers) {
  std::vector<HeadPlace> heads;
  for (int64_t layer = 0; layer < std::ssize(layers); ++layer) {
    const auto H = layers[static_cast<size_t>(layer)].layer->options.heads;
    for (int64_t head = 0; head < H; ++head) heads.emplace_back(layer, head);
  }
  return heads;
}

torch::Tensor empty_table(const std::vector<NamedAttention>& layers) {
  int64_t most = 0;
  for (const auto& attention : layers) most = std::max(most, attention.layer->options.heads);
  return torch::full({std::ssize(layers), most}, std::numeric_limits<double>::quiet_NaN(),
                     torch::kDouble);
}

PruningCurve prune(const std::vector<NamedAttention>& layers,
                   const std::vector<ExampleLoss>& examples, const torch::Tensor& importance,
                   double loss) {
  PruningCurve curve{.heads = all_heads(layers), .losses = {loss}};
  std::ranges::stable_sort(curve.heads, {}, [&](const HeadPlace& head) {
    return importance[head.first][head.second].item<double>();
  });
  LeftOut left_out(layers);
  for (const auto& head : curve.heads) {
    left_out.add(head);
    curve.losses.push_back(mean_loss(examples));
  }
  return curve;
}

}  // namespace

double mean_loss(const std::vector<ExampleLoss>& examples) {
  const torch::NoGradGuard no_grad;
  double sum = 0;
  for (const auto& loss : examples) sum += loss().item<double>();
  return sum / static_cast<double>(examples.size());
}

torch::Tensor gradient_importance(const std::vector<NamedAttention>& layers,
                                  const std::vector<ExampleLoss>& examples) {
  auto sums = empty_table(layers);
  for (const auto& [layer, head] : all_heads(layers)) sums[layer][head] = 0.0;
  std::vector<torch::Tensor> weights;
  for (const auto& attention : layers) weights.push_back(attention.layer->out_proj->weight);
  for (const auto& loss : examples) {
    const torch::AutoGradMode with_gradients(true);
    const auto gradients = torch::autograd::grad({loss()}, weights, {}, {}, false,
                                                 /*allow_unused=*/true);
    for (size_t n = 0; n < layers.size(); ++n) {
      if (!gradients[n].defined()) continue;
      const auto& o = layers[n].layer->options;
      const auto gates = (weights[n].detach() * gradients[n])
                             .unflatten(1, {o.heads, o.head_width})  // [C, H, Dh]
                             .sum({0, 2});                           // [H]
      sums[static_cast<int64_t>(n)].slice(0, 0, o.heads).add_(gates.abs().cpu());
    }
  }
  return sums / static_cast<double>(examples.size());
}

torch::Tensor ablation_importance(const std::vector<NamedAttention>& layers,
                                  const std::vector<ExampleLoss>& examples) {
  const double whole = mean_loss(examples);
  auto table = empty_table(layers);
  LeftOut left_out(layers);
  for (const auto& head : all_heads(layers)) {
    left_out.add(head);
    table[head.first][head.second] = mean_loss(examples) - whole;
    left_out.restore();
  }
  return table;
}

HeadImportance head_importance(const std::vector<NamedAttention>& layers,
                               const std::vector<ExampleLoss>& examples) {
  TORCH_CHECK(!layers.empty() && !examples.empty(),
              "head_importance: needs an attention layer and an example");
  HeadImportance result{.loss = mean_loss(examples)};
  result.gradient = gradient_importance(layers, examples);
  result.ablation = ablation_importance(layers, examples);
  result.by_gradient = prune(layers, examples, result.gradient, result.loss);
  result.by_ablation = prune(layers, examples, result.ablation, result.loss);
  return result;
}

}  // namespace zoo
