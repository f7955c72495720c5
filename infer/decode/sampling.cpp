// What is done to the scores of the next token before one is drawn.
#include "infer/decode/sampling.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string_view>

#include "models/attention/dropout_mask.h"  // defines: philox

namespace zoo {
namespace {

constexpr double kRemoved = -std::numeric_limits<double>::infinity();

template <class T>
void require(bool holds, std::string_view name, std::string_view what, T value) {
  if (!holds) throw std::invalid_argument(fmt::format("{} must be {}, got {}", name, what, value));
}

}  // namespace

void check(const SamplingOptions& o) {
  // Written so that NaN fails as well.
  require(o.temperature >= 0 && std::isfinite(o.temperature), "temperature",
          "0 (the most likely token) or positive", o.temperature);
  require(o.top_k >= 0, "top-k", "0 (all tokens) or positive", o.top_k);
  require(o.top_p > 0 && o.top_p <= 1, "top-p", "above 0 and at most 1", o.top_p);
  require(o.min_p >= 0 && o.min_p <= 1, "min-p", "between 0 and 1", o.min_p);
  require(o.repetition_penalty > 0 && std::isfinite(o.repetition_penalty), "repetition-penalty",
          "positive", o.repetition_penalty);
}

torch::Tensor scale_by_temperature(const torch::Tensor& logits, double temperature) {
  // The most likely token's logit becomes 0 first: a tiny temperature would make infinity of all
  // others, and infinity minus infinity is no number.
  const auto below_best = logits - logits.amax(-1, /*keepdim=*/true);
  return below_best / std::max(temperature, 1e-30);
}

torch::Tensor keep_top_k(const torch::Tensor& logits, int64_t k) {
  const auto best = std::get<0>(logits.topk(std::min(k, logits.size(-1)), -1));  // [B, k], falling
  return logits.masked_fill(logits.lt(best.narrow(-1, best.size(-1) - 1, 1)), kRemoved);
}

torch::Tensor keep_top_p(const torch::Tensor& logits, double p) {
  const auto [sorted, order] = logits.sort(/*stable=*/true, -1, /*descending=*/false);
  // From the least likely up: what together has at most 1 - p goes.
  auto remove = sorted.softmax(-1).cumsum(-1).le(1.0 - p);  // [B, V], sorted
  remove.narrow(-1, remove.size(-1) - 1, 1).fill_(false);
  return logits.masked_fill(torch::zeros_like(remove).scatter(-1, order, remove), kRemoved);
}

torch::Tensor keep_min_p(const torch::Tensor& logits, double share) {
  const auto probabilities = logits.softmax(-1);
  const auto least = probabilities.amax(-1, /*keepdim=*/true) * share;  // [B, 1]
  return logits.masked_fill(probabilities.lt(least), kRemoved);
}

torch::Tensor penalise_repetition(const torch::Tensor& logits, const torch::Tensor& seen,
                                  double penalty) {
  const auto less_likely = torch::where(logits.lt(0), logits * penalty, logits / penalty);
  return torch::where(seen, less_likely, logits);
}

torch::Tensor filter_logits(torch::Tensor logits, const torch::Tensor& seen,
                            const SamplingOptions& o) {
  if (o.repetition_penalty != 1.0) logits = penalise_repetition(logits, seen, o.repetition_penalty);
  if (o.greedy()) return logits;
  if (o.temperature != 1.0) logits = scale_by_temperature(logits, o.temperature);
  if (o.top_k > 0) logits = keep_top_k(logits, o.top_k);
  if (o.top_p < 1.0) logits = keep_top_p(logits, o.top_p);
  if (o.min_p > 0.0) logits = keep_min_p(logits, o.min_p);
  return logits;
}

double uniform_number(uint64_t seed, uint64_t stream, uint64_t step) {
  const auto low = [](uint64_t x) { return static_cast<uint32_t>(x); };
  const auto high = [](uint64_t x) { return static_cast<uint32_t>(x >> 32); };
  const auto words = philox(seed, {low(step), high(step), low(stream), high(stream)});
  return static_cast<double>((uint64_t{words[0]} << 32 | words[1]) >> 11) * 0x1p-53;
}

torch::Tensor draw_tokens(const torch::Tensor& logits, const torch::Tensor& numbers) {
  const auto cumulated = logits.to(torch::kDouble).softmax(-1).cumsum(-1);  // [B, V]
  const auto total = cumulated.narrow(-1, cumulated.size(-1) - 1, 1);  // [B, 1]: 1 but for rounding
  const auto targets = numbers.to(cumulated.device(), torch::kDouble).unsqueeze(-1) * total;
  // The first token whose sum lies above the target: one that was removed adds nothing and is never
  // the first.
  return cumulated.le(targets).sum(-1).clamp_max(logits.size(-1) - 1);  // [B]
}

}  // namespace zoo
