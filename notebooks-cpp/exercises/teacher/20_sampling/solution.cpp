// Exercise 20: sampling. What to write: README.md beside this file. Grade it: scripts/grade.sh 20
#include "notebooks-cpp/exercises/20_sampling/sampling.h"

namespace {
constexpr double kRemoved = -std::numeric_limits<double>::infinity();
}

// logits [B, V] -> [B, V]
torch::Tensor scale_by_temperature(const torch::Tensor& logits, double temperature) {
  // BEGIN SOLUTION 20.1 (1)
  return logits / temperature;
  // END SOLUTION
}

// logits [B, V] -> [B, V]
torch::Tensor keep_top_k(const torch::Tensor& logits, int64_t k) {
  // BEGIN SOLUTION 20.2 (2)
  const auto best = std::get<0>(logits.topk(std::min(k, logits.size(-1)), -1));  // [B, k], falling
  const auto least = best.narrow(-1, best.size(-1) - 1, 1);                      // [B, 1]
  return logits.masked_fill(logits.lt(least), kRemoved);
  // END SOLUTION
}

// logits [B, V] -> [B, V]
torch::Tensor keep_top_p(const torch::Tensor& logits, double p) {
  // BEGIN SOLUTION 20.3 (3)
  const auto [sorted, order] = logits.sort(-1, /*descending=*/true);  // [B, V] twice
  const auto probabilities = sorted.softmax(-1);
  const auto before = probabilities.cumsum(-1) - probabilities;  // of the more likely tokens
  const auto enough = before.ge(p);                              // [B, V], sorted
  const auto removed = torch::zeros_like(enough).scatter(-1, order, enough);
  return logits.masked_fill(removed, kRemoved);
  // END SOLUTION
}

// logits [B, V] -> [B, V]
torch::Tensor keep_min_p(const torch::Tensor& logits, double share) {
  // BEGIN SOLUTION 20.4 (1)
  const auto probabilities = logits.softmax(-1);
  const auto least = probabilities.amax(-1, true) * share;  // [B, 1]
  return logits.masked_fill(probabilities.lt(least), kRemoved);
  // END SOLUTION
}

// logits [B, V], numbers [B] -> [B] int64
torch::Tensor draw_tokens(const torch::Tensor& logits, const torch::Tensor& numbers) {
  // BEGIN SOLUTION 20.5 (3)
  const auto sums = logits.softmax(-1).cumsum(-1);  // [B, V]
  // As many sums as lie at or below the number, so many tokens come before the one that is drawn.
  return sums.le(numbers.unsqueeze(-1)).sum(-1).clamp_max(logits.size(-1) - 1);  // [B]
  // END SOLUTION
}
