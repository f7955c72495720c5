// The slopes, and the table of biases by distance.
#include "models/positions/alibi.h"

#include <c10/util/Exception.h>

#include <bit>
#include <cmath>
#include <vector>

namespace zoo {

torch::Tensor alibi_slopes(int64_t heads) {
  TORCH_CHECK(heads > 0, "ALiBi: heads must be positive, got ", heads);
  const auto below = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(heads)));
  // Slope i, from 1, of `of` heads.
  const auto slope = [](int64_t i, int64_t of) {
    return std::exp2(-8.0 * static_cast<double>(i) / static_cast<double>(of));
  };
  std::vector<double> slopes;
  for (int64_t i = 1; i <= below; ++i) slopes.push_back(slope(i, below));
  for (int64_t i = 1; std::ssize(slopes) < heads; i += 2) slopes.push_back(slope(i, 2 * below));
  return torch::tensor(slopes, torch::kDouble).to(torch::kFloat);
}

AlibiPosition::AlibiPosition(int64_t heads) : slopes_(alibi_slopes(heads).unsqueeze(1)) {}

torch::Tensor AlibiPosition::relative_bias(int64_t T, int64_t S, torch::Device device) const {
  return (slopes_ * -relative_distances(T, S).abs()).to(device);  // [H, T + S - 1]
}

}  // namespace zoo
