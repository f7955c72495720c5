// Stochastic depth: Huang et al. 2016 (arXiv:1603.09382), §3. A sub-layer is skipped for a random
// part of the batch, so that each sample trains a network of a different depth.
#pragma once
#include <torch/types.h>

namespace zoo {

/// branch [B, ...] -> the same, with each sample zeroed with probability `dropped`. The others are
/// scaled by 1 / (1 - dropped), so evaluation needs no correction.
torch::Tensor drop_path(const torch::Tensor& branch, double dropped);

/// The probability for layer `layer` (from 0) of `layers`: it grows linearly from 0 to `of_last`
/// (§3, "linear decay").
double drop_path_of_layer(double of_last, int64_t layer, int64_t layers);

}  // namespace zoo
