// Rotation for rotary positions in one or two dimensions: Su et al. 2021 (arXiv:2104.09864), Eq.
// 34.
#pragma once
#include <torch/types.h>

#include <string_view>
#include <utility>

#include "base/named_enum.h"

namespace zoo {

/// Which coordinates of a head rotate together, of the 2 n that do: i and i + n (Llama, NeoX), or
/// 2i and 2i + 1 (the paper; GPT-J).
enum class RotaryPairs { kHalves, kNeighbours };
template <>
struct EnumNames<RotaryPairs> {
  static constexpr std::string_view what = "rotary pairs";
  static constexpr std::pair<RotaryPairs, std::string_view> values[] = {
      {RotaryPairs::kHalves, "halves"}, {RotaryPairs::kNeighbours, "neighbours"}};
};

/// Cosines and sines of the angle of each token and coordinate pair: [B or 1, 1, T, 2 n] each for n
/// pairs, every angle twice. Undefined: no rotation.
struct Rotation {
  torch::Tensor cos = {}, sin = {};
  RotaryPairs pairs = RotaryPairs::kHalves;
  bool defined() const { return cos.defined(); }
};

/// angles [B or 1, T, n] -> their rotation, on `device`; results are multiplied by `factor`.
Rotation rotation_by(const torch::Tensor& angles, torch::Device device,
                     RotaryPairs pairs = RotaryPairs::kHalves, double factor = 1.0);

/// x [B, H, T, Dh] with its pairs rotated by their angles. 2 n <= Dh; coordinates from 2 n on are
/// unchanged.
torch::Tensor rotate(const torch::Tensor& x, const Rotation& rotation);

}  // namespace zoo
