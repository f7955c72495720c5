// Stochastic depth: Huang et al. 2016 (arXiv:1603.09382), §3. A sub-layer is left out for some
// samples of a batch, so that each of them trains a network of another depth.
#pragma once
#include <torch/types.h>

namespace zoo {

/// branch [B, ...] -> the same, zero for each sample with the probability `dropped`; the others
/// grow by 1 / (1 - dropped), so that nothing need be done when training is over.
torch::Tensor drop_path(const torch::Tensor& branch, double dropped);

/// The probability for one of L layers, counted from 0: it grows linearly from 0 to `of_last` (§3,
/// "linear decay").
double drop_path_of_layer(double of_last, int64_t layer, int64_t layers);

}  // namespace zoo
