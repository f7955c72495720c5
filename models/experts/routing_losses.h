// What keeps a router from sending all tokens to few experts, and its logits small.
#pragma once
#include "models/experts/router.h"

namespace zoo {

/// Fedus et al. 2021 (arXiv:2101.03961), Eq. 4 to 6, without alpha -> []:
///   E sum over experts of f_e P_e,
/// f_e: share of all choices that went to expert e, P_e: its mean probability. 1 where both are
/// even, at most E. Gradients reach P only: a count has none. For K > 1 as in DeepSeekMoE (Dai et
/// al. 2024, arXiv:2401.06066, Eq. 12 to 14); Mixtral's code has K times this value. 0 without
/// tokens.
torch::Tensor load_balancing_loss(const Routing& routing);

/// Zoph et al. 2022 (arXiv:2202.08906), Eq. 5 -> []: the mean over tokens of
///   (log sum over experts of exp(logit))^2.
/// 0 without tokens.
torch::Tensor router_z_loss(const Routing& routing);

}  // namespace zoo
