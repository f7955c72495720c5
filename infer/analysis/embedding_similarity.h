// How alike embeddings are, of tokens and of positions: Dosovitskiy et al. 2020 (arXiv:2010.11929),
// Figure 7, for any model.
#pragma once
#include <torch/types.h>

#include <cstdint>

#include "models/positions/position.h"

namespace zoo {

/// vectors [N, C] -> cosines [N, N] double on the CPU; 0 for vectors of length 0.
torch::Tensor cosine_similarity(const torch::Tensor& vectors);

/// What a scheme adds to the embeddings at positions 0 to P - 1: [P, C]. Undefined for a scheme
/// that adds nothing (none, rotary). `like` says dtype and device.
torch::Tensor position_vectors(const Position& position, int64_t P, int64_t width,
                               const torch::Tensor& like);

}  // namespace zoo
