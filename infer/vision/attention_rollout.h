// Attention rollout: how much of each patch has flowed into a model's answer, over all layers.
// Abnar & Zuidema 2020 (arXiv:2005.00928), §3; heads are averaged, as in Dosovitskiy et al. 2020,
// appendix D.8.
#pragma once
#include <torch/types.h>

#include <vector>

#include "app/figures/png.h"

namespace zoo {

/// layers: attention weights [H, T, T] of one picture, the first layer first -> [T, T]: of each
/// token after the last layer, the shares of the tokens before the first one. Rows sum to 1.
torch::Tensor attention_rollout(const std::vector<torch::Tensor>& layers);

/// shares [rows, columns] of the patches over the picture that the model saw: where little came
/// from it is dark. Small pictures are enlarged, so that one can see something.
Image draw_rollout(const Image& seen, const torch::Tensor& shares);

}  // namespace zoo
