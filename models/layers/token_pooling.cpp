// Each mode in a line or two.
#include "models/layers/token_pooling.h"

#include <c10/util/Exception.h>

#include <limits>
#include <vector>

namespace zoo {
namespace {

/// hidden [B, T, C], positions [B] -> [B, C]
torch::Tensor at(const torch::Tensor& hidden, const torch::Tensor& positions) {
  const auto index = positions.view({-1, 1, 1}).expand({-1, 1, hidden.size(2)});
  return hidden.gather(1, index).squeeze(1);
}

/// `hidden` is zero where a token takes no part.
torch::Tensor pool(const torch::Tensor& hidden, const torch::Tensor& is_real, TokenPooling mode) {
  constexpr double kTiny = 1e-9;                                     // where no token takes part
  const auto real = is_real.to(hidden.scalar_type()).unsqueeze(-1);  // [B, T, 1]
  const auto count = real.sum(1).clamp_min(kTiny);                   // [B, 1]
  const auto numbers = torch::arange(1, hidden.size(1) + 1, hidden.options());
  switch (mode) {
    case TokenPooling::kFirst:
      return at(hidden, is_real.to(torch::kInt).argmax(1));
    case TokenPooling::kMax:
      return hidden.masked_fill(real.eq(0), -std::numeric_limits<double>::infinity()).amax(1);
    case TokenPooling::kMean:
      return hidden.sum(1) / count;
    case TokenPooling::kMeanSqrtLength:
      return hidden.sum(1) / count.sqrt();
    case TokenPooling::kWeightedMean: {
      const auto weights = real * numbers.view({1, -1, 1});  // [B, T, 1]: the position, from 1
      return (hidden * weights).sum(1) / weights.sum(1).clamp_min(kTiny);
    }
    case TokenPooling::kLast:
      return at(hidden, (is_real * numbers).argmax(1));
  }
  TORCH_CHECK(false, "unknown pooling mode");
}

}  // namespace

torch::Tensor pool_tokens(const torch::Tensor& hidden, const torch::Tensor& is_real,
                          std::span<const TokenPooling> modes, int64_t skipped) {
  auto taking_part = is_real;
  if (skipped > 0) {
    taking_part = is_real.clone();
    taking_part.slice(1, 0, skipped).fill_(false);
  }
  // Not times 0: padding may hold anything, NaN too.
  const auto taken = hidden.masked_fill(taking_part.logical_not().unsqueeze(-1), 0);  // [B, T, C]
  std::vector<torch::Tensor> vectors;
  for (const auto mode : modes) vectors.push_back(pool(taken, taking_part, mode));  // [B, C]
  return torch::cat(vectors, -1);                                                   // [B, M * C]
}

}  // namespace zoo
