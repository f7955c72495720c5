// From scores to a token: filters in the order of `transformers` (temperature, top-h, top-k, top-p,
// min-p, top-a, typical-p, epsilon, eta), then a draw.
#pragma once
#include <torch/types.h>

#include <cstdint>

namespace zoo {

struct SamplingOptions {
  double temperature = 1.0;     ///< 0: greedy, the most likely token
  double top_h = 0.0;           ///< 0: all
  int64_t top_k = 0;            ///< 0: all
  double top_p = 1.0;           ///< 1: all
  double min_p = 0.0;           ///< 0: all
  double top_a = 0.0;           ///< 0: all
  double typical_p = 1.0;       ///< 1: all
  double epsilon_cutoff = 0.0;  ///< 0: all
  double eta_cutoff = 0.0;      ///< 0: all

  bool greedy() const { return temperature == 0.0; }
};

template <class Visitor>
void visit(SamplingOptions& o, Visitor&& v) {
  v("temperature", o.temperature,
    "Below 1: keeps to the likely tokens; above 1: more varied; 0: always the most likely one");
  v("top-h", o.top_h,
    "Only the most likely tokens that together have this share of the entropy (0: all)");
  v("top-k", o.top_k, "Only the k most likely tokens (0: all)");
  v("top-p", o.top_p, "Only the most likely tokens that together have this probability (1: all)");
  v("min-p", o.min_p, "Only tokens with this share of the most likely one's probability (0: all)");
  v("top-a", o.top_a, "Only tokens with this share of the best probability's square (0: all)");
  v("typical-p", o.typical_p,
    "Only the tokens of most typical surprise that together have this probability (1: all)");
  v("epsilon-cutoff", o.epsilon_cutoff,
    "Only tokens with at least this probability, as 0.0003 (0: all)");
  v("eta-cutoff", o.eta_cutoff,
    "As --epsilon-cutoff, but lower where all tokens are unlikely; as 0.0003 (0: all)");
}

/// Throws std::invalid_argument naming the option, the allowed values and its value.
void check(const SamplingOptions& options);

/// Applies temperature and filters. Greedy: returns the logits unchanged. At least `keep` tokens of
/// a row stay.
torch::Tensor filter_logits(torch::Tensor logits, const SamplingOptions& options, int64_t keep = 1);

/// The number in [0, 1) that determines step `step` of stream `stream`: a function of its
/// arguments, so that a row's draws do not depend on its batch.
double uniform_number(uint64_t seed, uint64_t stream, uint64_t step);

/// logits [B, V], numbers [B] in [0, 1) -> [B] int64: the token at which the cumulative probability
/// exceeds the number.
torch::Tensor draw_tokens(const torch::Tensor& logits, const torch::Tensor& numbers);

}  // namespace zoo
