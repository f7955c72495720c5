// Which heads matter: by the gradient of the loss by a gate on each head's output (Michel et al.
// 2019, arXiv:1905.10650, Eq. 2), by leaving the head out, and how the loss grows as more and more
// heads are left out (their Figure 3).
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "models/attention/multi_head_attention.h"

namespace zoo {

/// An attention layer, and what it is called: "encoder 0".
struct NamedAttention {
  std::string name;
  MultiHeadAttentionImpl* layer = nullptr;
};

/// The loss of one example, a scalar in nats, with gradients where they are on.
using ExampleLoss = std::function<torch::Tensor()>;

/// Heads that were left out, in this order, and the loss after each.
struct PruningCurve {
  std::vector<std::pair<int64_t, int64_t>> heads = {};  ///< layer of the list, head
  std::vector<double> losses = {};                      ///< of 0, 1, ... all heads left out
};

struct HeadImportance {
  double loss = 0;  ///< of the whole model, mean over the examples
  /// A row a layer, a column a head (NaN beyond the layer's heads), double.
  torch::Tensor gradient = {};  ///< mean over the examples of |dL / d gate|
  torch::Tensor ablation = {};  ///< how much the loss grows without the head; below 0: it shrinks
  PruningCurve by_gradient = {}, by_ablation = {};  ///< the least important head first
};

/// The two tables, one at a time.
torch::Tensor gradient_importance(const std::vector<NamedAttention>& layers,
                                  const std::vector<ExampleLoss>& examples);
torch::Tensor ablation_importance(const std::vector<NamedAttention>& layers,
                                  const std::vector<ExampleLoss>& examples);
/// Without gradients.
double mean_loss(const std::vector<ExampleLoss>& examples);

/// Leaves the weights as they were.
HeadImportance head_importance(const std::vector<NamedAttention>& layers,
                               const std::vector<ExampleLoss>& examples);

}  // namespace zoo
