// The causal language-modelling objective: predict each next token (Radford et al. 2018, §3.1, Eq.
// 1).
#pragma once
#include <torch/types.h>

namespace zoo {

/// Target that counts for nothing: padding.
inline constexpr int64_t kIgnored = -100;

struct TokenLoss {
  torch::Tensor sum;        ///< [] with gradient: what training minimises
  torch::Tensor plain_sum;  ///< [] cross-entropy without smoothing, in nats, for perplexity
  double tokens = 0.0;      ///< targets that count
};

/// logits [B, T, V], targets [B, T] int64 (kIgnored: not counted). label_smoothing: Szegedy et al.
/// 2016 (arXiv:1512.00567), §7: this share of the target's probability is spread over the
/// vocabulary.
TokenLoss token_loss(const torch::Tensor& logits, const torch::Tensor& targets,
                     double label_smoothing = 0.0);

/// What the output layer reads where a target counts, and these targets: nothing is computed over
/// the vocabulary for padding.
struct CountedPlaces {
  torch::Tensor hidden;   // [N, C]
  torch::Tensor targets;  // [N]
};
/// hidden [B, T, C], targets [B, T] with kIgnored
CountedPlaces at_counted_places(const torch::Tensor& hidden, const torch::Tensor& targets);

/// Targets at which the most probable token is right.
double correct_tokens(const torch::Tensor& logits, const torch::Tensor& targets);

}  // namespace zoo
