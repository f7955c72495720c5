// The filters in order, and the draw.
#include "infer/decode/sampling.h"

#include <algorithm>
#include <cmath>

#include "infer/decode/filters.h"
#include "infer/decode/require.h"
#include "models/attention/philox.h"

namespace zoo {

using detail::require;

void check(const SamplingOptions& o) {
  // Written so that NaN fails as well.
  require(o.temperature >= 0 && std::isfinite(o.temperature), "temperature",
          "0 (the most likely token) or positive", o.temperature);
  require(o.top_h >= 0 && o.top_h <= 1, "top-h", "between 0 (all tokens) and 1", o.top_h);
  require(o.top_k >= 0, "top-k", "0 (all tokens) or positive", o.top_k);
  require(o.top_p > 0 && o.top_p <= 1, "top-p", "above 0 and at most 1", o.top_p);
  require(o.min_p >= 0 && o.min_p <= 1, "min-p", "between 0 and 1", o.min_p);
  require(o.top_a >= 0 && o.top_a <= 1, "top-a", "between 0 and 1", o.top_a);
  require(o.typical_p > 0 && o.typical_p <= 1, "typical-p", "above 0 and at most 1", o.typical_p);
  require(o.epsilon_cutoff >= 0 && o.epsilon_cutoff < 1, "epsilon-cutoff", "at least 0 and below 1",
          o.epsilon_cutoff);
  require(o.eta_cutoff >= 0 && o.eta_cutoff < 1, "eta-cutoff", "at least 0 and below 1",
          o.eta_cutoff);
}

torch::Tensor filter_logits(torch::Tensor logits, const SamplingOptions& o, int64_t keep) {
  if (o.greedy()) return logits;
  if (o.temperature != 1.0) logits = scale_by_temperature(logits, o.temperature);
  if (o.top_h > 0.0) logits = keep_top_h(logits, o.top_h);
  if (o.top_k > 0) logits = keep_top_k(logits, std::max(o.top_k, keep));
  if (o.top_p < 1.0) logits = keep_top_p(logits, o.top_p, keep);
  if (o.min_p > 0.0) logits = keep_min_p(logits, o.min_p, keep);
  if (o.top_a > 0.0) logits = keep_top_a(logits, o.top_a, keep);
  if (o.typical_p < 1.0) logits = keep_typical(logits, o.typical_p, keep);
  if (o.epsilon_cutoff > 0.0) logits = keep_above_epsilon(logits, o.epsilon_cutoff, keep);
  if (o.eta_cutoff > 0.0) logits = keep_above_eta(logits, o.eta_cutoff, keep);
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
