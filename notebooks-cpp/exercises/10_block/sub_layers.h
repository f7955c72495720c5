// Sub-layers from plain weights, for the shim and for the reference.
#pragma once
#include <torch/types.h>
#include <torch/utils.h>

#include "notebooks-cpp/exercises/10_block/block.h"

namespace exercises::exercise_10 {

inline NormPlace place(bool post) { return post ? NormPlace::kPost : NormPlace::kPre; }

/// gain [C]
inline SubLayer norm_of(const torch::Tensor& gain) {
  return [gain](const torch::Tensor& x) { return torch::layer_norm(x, x.size(-1), gain); };
}

/// mix [T, T] takes the place of attention's weights.
inline SubLayer attention_of(const torch::Tensor& mix) {
  return [mix](const torch::Tensor& x) { return torch::matmul(mix, x).sin(); };
}

/// weight [C, C]
inline SubLayer feed_forward_of(const torch::Tensor& weight) {
  return [weight](const torch::Tensor& x) { return torch::matmul(x, weight).tanh(); };
}

}  // namespace exercises::exercise_10
