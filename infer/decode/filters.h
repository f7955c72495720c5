// Filters: which tokens of a next-token distribution remain before one is drawn.
//
// They keep the same tokens as the classes of the same name in Hugging Face `transformers` (which
// lacks top-a). Each takes logits [B, V] and returns new ones with removed tokens at minus
// infinity. At least `keep` tokens of a row stay, the most likely ones except in keep_typical.
#pragma once
#include <torch/types.h>

#include <cstdint>

namespace zoo {

/// Ackley, Hinton, Sejnowski 1985: divides by `temperature` > 0.
torch::Tensor scale_by_temperature(const torch::Tensor& logits, double temperature);

/// Baghaei Potraghloo et al. 2025 (arXiv:2509.02510), "top-H": of the 100 most likely tokens, the
/// first ones whose terms -p log p sum to at most `share` of the entropy.
torch::Tensor keep_top_h(const torch::Tensor& logits, double share);

/// Fan et al. 2018 (arXiv:1805.04833), §5.4. Tokens as likely as the k-th also stay.
torch::Tensor keep_top_k(const torch::Tensor& logits, int64_t k);

/// Nucleus sampling, Holtzman et al. 2019 (arXiv:1904.09751), §3.1: the smallest set with a
/// probability of at least p.
torch::Tensor keep_top_p(const torch::Tensor& logits, double p, int64_t keep = 1);

/// Nguyen et al. 2024 (arXiv:2407.01082), §3: at least this share of the best probability.
torch::Tensor keep_min_p(const torch::Tensor& logits, double share, int64_t keep = 1);

/// KoboldAI's top-a: at least `a` times the square of the best probability, so that a sharper
/// distribution loses more tokens.
torch::Tensor keep_top_a(const torch::Tensor& logits, double a, int64_t keep = 1);

/// Locally typical sampling, Meister et al. 2022 (arXiv:2202.00666), §4: the tokens whose surprisal
/// -log p is nearest to the entropy, until their total probability reaches `mass`.
torch::Tensor keep_typical(const torch::Tensor& logits, double mass, int64_t keep = 1);

/// Hewitt et al. 2022 (arXiv:2210.15191), §4.2 "epsilon sampling": at least this probability.
torch::Tensor keep_above_epsilon(const torch::Tensor& logits, double epsilon, int64_t keep = 1);

/// Hewitt et al. 2022, Eq. 4 "eta sampling": at least min(epsilon, sqrt(epsilon) exp(-entropy)),
/// so that a flat distribution keeps its tail.
torch::Tensor keep_above_eta(const torch::Tensor& logits, double epsilon, int64_t keep = 1);

}  // namespace zoo
