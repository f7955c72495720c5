// What a GPT costs: parameters, operations, memory.
#pragma once
#include "models/cost/cost.h"
#include "models/gpt/gpt.h"

namespace zoo {

/// A sequence of `length` tokens with scores of all words: 2 N operations a token for N weights of
/// matrices and 4 L H Dh `length` for attention, as if each token saw all of them. Kaplan et al.
/// 2020 (arXiv:2001.08361), §2.1; Chowdhery et al. 2022 (arXiv:2204.02311), Appendix B.
ModelCost cost_of(const GptOptions& options, int64_t length);

}  // namespace zoo
