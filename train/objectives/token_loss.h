// Cross-entropy over tokens or classes, the loss of language models, translators and classifiers
// (Radford et al. 2018, §3.1, Eq. 1).
#pragma once
#include <torch/types.h>

namespace zoo {

/// An ignored target: padding.
inline constexpr int64_t kIgnored = -100;

/// logits [..., V], targets [...] int64 with kIgnored -> []: cross-entropy in nats, summed over the
/// targets. label_smoothing: Szegedy et al. 2016 (arXiv:1512.00567), §7: this share of the target's
/// probability is spread over the vocabulary.
torch::Tensor cross_entropy_sum(const torch::Tensor& logits, const torch::Tensor& targets,
                                double label_smoothing = 0.0);

/// targets with kIgnored -> [] int64, on their device: the number of targets that are not ignored.
torch::Tensor count_targets(const torch::Tensor& targets);

struct TokenLoss {
  torch::Tensor sum;    ///< [] with gradient
  double tokens = 0.0;  ///< targets that are not ignored
};

/// Both, for a training step. Waits for the device.
TokenLoss token_loss(const torch::Tensor& logits, const torch::Tensor& targets,
                     double label_smoothing = 0.0);

/// The hidden states with a target, and these targets: so the output layer skips padding.
struct TargetStates {
  torch::Tensor hidden;   // [N, C]
  torch::Tensor targets;  // [N]
};
/// hidden [B, T, C], targets [B, T] int64 with kIgnored
TargetStates select_targets(const torch::Tensor& hidden, const torch::Tensor& targets);

/// logits [..., V], targets [...] int64 with kIgnored -> [] int64, on their device: the number of
/// targets that are the most probable token.
torch::Tensor correct_tokens(const torch::Tensor& logits, const torch::Tensor& targets);

}  // namespace zoo
