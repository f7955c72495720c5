// Each filter decides which tokens go, and sets their logits to minus infinity.
#include "infer/decode/filters.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace zoo {
namespace {

constexpr double kRemoved = -std::numeric_limits<double>::infinity();

/// [B, 1]: the score of the row's `keep`-th token, the most likely one first.
torch::Tensor score_of_rank(const torch::Tensor& logits, int64_t keep) {
  const auto best = std::get<0>(logits.topk(std::min(keep, logits.size(-1)), -1));  // falling
  return best.narrow(-1, best.size(-1) - 1, 1);
}

/// Removes tokens below `least` [B, 1], but never the `keep` most likely ones.
torch::Tensor keep_probabilities_from(const torch::Tensor& logits,
                                      const torch::Tensor& probabilities,
                                      const torch::Tensor& least, int64_t keep) {
  const auto may_go = logits.lt(score_of_rank(logits, keep));
  return logits.masked_fill(probabilities.lt(least).logical_and(may_go), kRemoved);
}

/// [B, V] -> [B, 1]: in nats; tokens that were removed add nothing.
torch::Tensor entropy_of(const torch::Tensor& log_probs) {
  return -(log_probs * log_probs.exp()).nansum(-1, /*keepdim=*/true);
}

}  // namespace

torch::Tensor scale_by_temperature(const torch::Tensor& logits, double temperature) {
  // The most likely token's logit becomes 0 first: a tiny temperature would make infinity of all
  // others, and infinity minus infinity is no number.
  const auto below_best = logits - logits.amax(-1, /*keepdim=*/true);
  return below_best / std::max(temperature, 1e-30);
}

torch::Tensor keep_top_k(const torch::Tensor& logits, int64_t k) {
  return logits.masked_fill(logits.lt(score_of_rank(logits, k)), kRemoved);
}

torch::Tensor keep_top_h(const torch::Tensor& logits, double share) {
  constexpr int64_t kCandidates = 100;  // as in the reference
  const auto [best, order] =
      logits.topk(std::min(kCandidates, logits.size(-1)), -1);  // [B, k] twice
  const auto log_probs = best.log_softmax(-1);
  const auto terms = (-log_probs * log_probs.exp()).nan_to_num(0.0);  // [B, k], of the entropy
  auto stays = terms.cumsum(-1).le(terms.sum(-1, /*keepdim=*/true) * share);
  stays.narrow(-1, 0, 1).fill_(true);
  const auto kept = torch::zeros_like(logits, torch::kBool).scatter(-1, order, stays);
  return logits.masked_fill(kept.logical_not(), kRemoved);
}

torch::Tensor keep_top_p(const torch::Tensor& logits, double p, int64_t keep) {
  const auto [sorted, order] = logits.sort(/*stable=*/true, -1, /*descending=*/false);
  // From the least likely up: what together has at most 1 - p goes.
  auto remove = sorted.softmax(-1).cumsum(-1).le(1.0 - p);  // [B, V], sorted
  const int64_t kept = std::min(keep, remove.size(-1));
  remove.narrow(-1, remove.size(-1) - kept, kept).fill_(false);
  return logits.masked_fill(torch::zeros_like(remove).scatter(-1, order, remove), kRemoved);
}

torch::Tensor keep_min_p(const torch::Tensor& logits, double share, int64_t keep) {
  const auto probabilities = logits.softmax(-1);
  const auto best = probabilities.amax(-1, /*keepdim=*/true);  // [B, 1]
  return keep_probabilities_from(logits, probabilities, best * share, keep);
}

torch::Tensor keep_top_a(const torch::Tensor& logits, double a, int64_t keep) {
  const auto probabilities = logits.softmax(-1);
  const auto best = probabilities.amax(-1, /*keepdim=*/true);  // [B, 1]
  return keep_probabilities_from(logits, probabilities, best * best * a, keep);
}

torch::Tensor keep_typical(const torch::Tensor& logits, double mass, int64_t keep) {
  const auto log_probs = logits.log_softmax(-1);                     // [B, V]
  const auto distance = (-log_probs - entropy_of(log_probs)).abs();  // [B, V]
  const auto [sorted, order] = distance.sort(/*stable=*/true, -1, /*descending=*/false);
  const auto cumulated = logits.gather(-1, order).softmax(-1).cumsum(-1);
  const auto last = cumulated.lt(mass).sum(-1, /*keepdim=*/true).clamp_max(logits.size(-1) - 1);
  // As far away as the last one stays: equal surprise is equally typical.
  const auto at_least = sorted.narrow(-1, std::min(keep, sorted.size(-1)) - 1, 1);  // [B, 1]
  const auto farthest = torch::maximum(sorted.gather(-1, last), at_least);
  return logits.masked_fill(distance.gt(farthest), kRemoved);
}

torch::Tensor keep_above_epsilon(const torch::Tensor& logits, double epsilon, int64_t keep) {
  return keep_probabilities_from(logits, logits.softmax(-1),
                                 torch::full({1, 1}, epsilon, logits.options()), keep);
}

torch::Tensor keep_above_eta(const torch::Tensor& logits, double epsilon, int64_t keep) {
  const auto entropy = entropy_of(logits.log_softmax(-1));                      // [B, 1]
  const auto eta = ((-entropy).exp() * std::sqrt(epsilon)).clamp_max(epsilon);  // Eq. 4
  return keep_probabilities_from(logits, logits.softmax(-1), eta, keep);
}

}  // namespace zoo
