// Attention rollout: how much each patch contributes to a model's output, over all layers. Abnar &
// Zuidema 2020 (arXiv:2005.00928), §3; heads are averaged, as in Dosovitskiy et al. 2020, appendix
// D.8.
#pragma once
#include <torch/types.h>

#include <vector>

namespace zoo {

/// layers: attention weights [H, T, T] of one image, the first layer first -> [T, T]: for each
/// token after the last layer, the shares of the input tokens. Rows sum to 1.
torch::Tensor attention_rollout(const std::vector<torch::Tensor>& layers);

}  // namespace zoo
