// The default position scheme: none.
#include "models/positions/position.h"

namespace zoo {

torch::Tensor Position::embed(const torch::Tensor& x, const torch::Tensor&) const { return x; }
Rotation Position::rotation(const torch::Tensor&, const torch::Tensor&) const { return {}; }
torch::Tensor Position::relative_bias(int64_t, int64_t, torch::Device) const { return {}; }
DistanceVectors Position::distance_vectors(int64_t, int64_t, torch::Device) const { return {}; }

torch::Tensor relative_distances(int64_t T, int64_t S) {
  return torch::arange(1 - S, T, torch::kLong);  // [T + S - 1]
}

}  // namespace zoo
