// What keeps heads from leaning on each other, in training: DropHead (Zhou et al. 2020,
// arXiv:2004.13342) and a penalty on heads that agree (Li et al. 2018, arXiv:1810.10183). Differs
// from DropHead's paper: no example loses all of its heads.
#pragma once
#include <torch/types.h>

namespace zoo {

/// DropHead: factors [B, H] of the heads' outputs. An example goes without a head with probability
/// `dropped`, and its other heads make up for that: with m in {0, 1},
///   gate_h = m_h H / (m_1 + ... + m_H).
/// If all of its heads were to go, one of them stays, each with the same probability. So the mean
/// of a gate is 1, and evaluation needs no correction.
torch::Tensor draw_head_gate(int64_t B, int64_t H, double dropped, torch::Device device);

/// How much heads agree: outputs y [B, H, T, Dh] -> [], the mean over positions of
///   1 / H^2 sum over i, j of cos(y_i, y_j),
/// the "disagreement on outputs" of Li et al. with the opposite sign, between 0 and 1 (identical
/// heads). lengths [B]: positions from there on are padding and do not count; undefined: all count.
/// A head that is 0, such as a dropped one, agrees with none.
torch::Tensor head_similarity(const torch::Tensor& y, const torch::Tensor& lengths = {});

}  // namespace zoo
