// From scores to a token: filters that shape the distribution, and a draw from what is left.
//
// The filters keep what the classes of the same name in Hugging Face `transformers` keep, and run
// in its order: repetition penalty, temperature, top-k, top-p, min-p. Each takes logits [B, V] and
// gives new ones; what it removes becomes minus infinity; the most likely token always stays.
#pragma once
#include <torch/types.h>

#include <cstdint>

namespace zoo {

struct SamplingOptions {
  double temperature = 1.0;         ///< 0: greedy, the most likely token
  int64_t top_k = 0;                ///< 0: all
  double top_p = 1.0;               ///< 1: all
  double min_p = 0.0;               ///< 0: all
  double repetition_penalty = 1.0;  ///< 1: none

  bool greedy() const { return temperature == 0.0; }
};

template <class Visitor>
void visit(SamplingOptions& o, Visitor&& v) {
  v("temperature", o.temperature,
    "Below 1: bolder, above 1: wilder; 0: always the most likely token");
  v("top-k", o.top_k, "Only the k most likely tokens (0: all)");
  v("top-p", o.top_p, "Only the most likely tokens that together have this probability (1: all)");
  v("min-p", o.min_p, "Only tokens with this share of the most likely one's probability (0: all)");
  v("repetition-penalty", o.repetition_penalty, "Makes tokens that were there less likely (1: no)");
}

/// Throws std::invalid_argument naming the option, what it must be and what it is.
void check(const SamplingOptions& options);

/// Ackley, Hinton, Sejnowski 1985: divides by `temperature` > 0.
torch::Tensor scale_by_temperature(const torch::Tensor& logits, double temperature);
/// Fan et al. 2018 (arXiv:1805.04833), §5.4. Tokens as likely as the k-th stay as well.
torch::Tensor keep_top_k(const torch::Tensor& logits, int64_t k);
/// Nucleus sampling, Holtzman et al. 2019 (arXiv:1904.09751), §3.1: the smallest set with at least
/// probability p.
torch::Tensor keep_top_p(const torch::Tensor& logits, double p);
/// Nguyen et al. 2024 (arXiv:2407.01082), §3.
torch::Tensor keep_min_p(const torch::Tensor& logits, double share);
/// CTRL, Keskar et al. 2019 (arXiv:1909.05858), §4.1, with the sign handled as `transformers` does:
/// positive logits of tokens in `seen` (bool [B, V]) are divided by the penalty, negative ones
/// multiplied.
torch::Tensor penalise_repetition(const torch::Tensor& logits, const torch::Tensor& seen,
                                  double penalty);

/// All of them, as the options say. Greedy: the repetition penalty alone.
torch::Tensor filter_logits(torch::Tensor logits, const torch::Tensor& seen,
                            const SamplingOptions& options);

/// The number in [0, 1) that decides step `step` of stream `stream`: a function of its arguments,
/// so that a row draws the same whatever batch it is in.
double uniform_number(uint64_t seed, uint64_t stream, uint64_t step);

/// logits [B, V], numbers [B] in [0, 1) -> [B] int64: the token at which the cumulated probability
/// passes the number.
torch::Tensor draw_tokens(const torch::Tensor& logits, const torch::Tensor& numbers);

}  // namespace zoo
