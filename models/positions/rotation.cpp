#include "models/positions/rotation.h"

namespace zoo {

Rotation rotation_by(const torch::Tensor& angles, torch::Device device) {
  const auto both = torch::cat({angles, angles}, -1).unsqueeze(1);  // [B or 1, 1, T, 2 n]
  return {.cos = both.cos().to(device), .sin = both.sin().to(device)};
}

torch::Tensor rotate(const torch::Tensor& x, const Rotation& rotation) {
  const auto cos = rotation.cos.to(x.device(), x.scalar_type());
  const auto sin = rotation.sin.to(x.device(), x.scalar_type());
  const int64_t rotated = cos.size(-1), kept = x.size(-1) - rotated;
  const auto head = kept == 0 ? x : x.narrow(-1, 0, rotated);  // [B, H, T, 2 n]
  const auto halves = head.chunk(2, -1);
  const auto result = head * cos + torch::cat({halves[1].neg(), halves[0]}, -1) * sin;
  return kept == 0 ? result : torch::cat({result, x.narrow(-1, rotated, kept)}, -1);
}

}  // namespace zoo
