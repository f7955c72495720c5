// The product with a rotation matrix, pair by pair.
#include "models/positions/rotation.h"

namespace zoo {
namespace {

/// The partner of each coordinate, with the sign of its sine: (a, b) -> (-b, a).
torch::Tensor quarter_turn(const torch::Tensor& x, RotaryPairs pairs) {
  if (pairs == RotaryPairs::kHalves) {
    const auto halves = x.chunk(2, -1);
    return torch::cat({halves[1].neg(), halves[0]}, -1);
  }
  const auto both = x.unflatten(-1, {-1, 2});  // [..., n, 2]
  return torch::stack({both.select(-1, 1).neg(), both.select(-1, 0)}, -1).flatten(-2);
}

}  // namespace

Rotation rotation_by(const torch::Tensor& angles, torch::Device device, RotaryPairs pairs,
                     double factor) {
  const auto both = (pairs == RotaryPairs::kHalves ? torch::cat({angles, angles}, -1)
                                                   : angles.repeat_interleave(2, -1))
                        .unsqueeze(1);  // [B or 1, 1, T, 2 n]
  auto cos = both.cos(), sin = both.sin();
  if (factor != 1.0) cos = cos * factor, sin = sin * factor;
  return {.cos = cos.to(device), .sin = sin.to(device), .pairs = pairs};
}

torch::Tensor rotate(const torch::Tensor& x, const Rotation& rotation) {
  const auto cos = rotation.cos.to(x.device(), x.scalar_type());
  const auto sin = rotation.sin.to(x.device(), x.scalar_type());
  const int64_t rotated = cos.size(-1), kept = x.size(-1) - rotated;
  const auto head = kept == 0 ? x : x.narrow(-1, 0, rotated);  // [B, H, T, 2 n]
  const auto result = head * cos + quarter_turn(head, rotation.pairs) * sin;
  return kept == 0 ? result : torch::cat({result, x.narrow(-1, rotated, kept)}, -1);
}

}  // namespace zoo
