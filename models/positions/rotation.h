// Rotation for rotary positions in one or two dimensions: Su et al. 2021 (arXiv:2104.09864), Eq.
// 34.
#pragma once
#include <torch/types.h>

namespace zoo {

/// Cosines and sines of the angle of each token and coordinate pair: [B or 1, 1, T, 2 n] each for n
/// pairs, every angle twice. Undefined: no rotation.
struct Rotation {
  torch::Tensor cos = {}, sin = {};
  bool defined() const { return cos.defined(); }
};

/// angles [B or 1, T, n] -> their rotation, on `device`
Rotation rotation_by(const torch::Tensor& angles, torch::Device device);

/// x [B, H, T, Dh] with the pairs (x_i, x_{i + n}) rotated by their angles. 2 n <= Dh; coordinates
/// from 2 n on are unchanged.
torch::Tensor rotate(const torch::Tensor& x, const Rotation& rotation);

}  // namespace zoo
