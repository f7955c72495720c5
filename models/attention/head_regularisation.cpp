// One draw per example and head; one mean of unit vectors per position.
#include "models/attention/head_regularisation.h"

#include <algorithm>
#include <vector>

#include "models/layers/batch_shard.h"

namespace zoo {

torch::Tensor draw_head_gate(int64_t B, int64_t H, double dropped, torch::Device device) {
  const auto draws = draw_rows(
      {B, H}, [&](const std::vector<int64_t>& shape) { return torch::rand(shape, device); });
  // The largest draw of an example always stays.
  const auto threshold = draws.amax(1, /*keepdim=*/true).clamp_max(dropped);  // [B, 1]
  const auto kept = draws.ge(threshold).to(torch::kFloat);                    // [B, H]
  return kept * (static_cast<double>(H) / kept.sum(1, /*keepdim=*/true));
}

// The double sum is a square: sum over i, j of u_i u_j = |sum over i of u_i|^2, u_i = y_i / |y_i|.
torch::Tensor head_similarity(const torch::Tensor& y, const torch::Tensor& lengths) {
  constexpr double kTiny = 1e-12;  // finite gradients where a query sees no key
  auto wide = y.scalar_type() == torch::kDouble ? y : y.to(torch::kFloat);  // [B, H, T, Dh]
  auto count = torch::full({}, y.size(0) * y.size(2), wide.options());
  if (lengths.defined()) {
    const auto padding = torch::arange(y.size(2), lengths.options()).ge(lengths.unsqueeze(1));
    wide = wide.masked_fill(padding.unsqueeze(1).unsqueeze(-1), 0.0);
    count = padding.logical_not().sum().to(wide.dtype());
  }
  const auto unit = wide * (wide.square().sum(-1, /*keepdim=*/true) + kTiny).rsqrt();
  return unit.mean(1).square().sum() / sum_over_shards(count).clamp_min(1);
}

}  // namespace zoo
