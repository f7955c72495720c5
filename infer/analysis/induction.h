// Induction heads: on random tokens that come twice, such a head looks from a token's second
// occurrence to the token after its first one, and so the model can repeat the sequence. Olsson et
// al. 2022 (arXiv:2209.11895), "prefix matching".
#pragma once
#include <torch/types.h>

#include <cstdint>

#include "models/gpt/gpt.h"

namespace zoo {

struct InductionScores {
  /// [L, H] double: share of attention on the token after the first time; NaN where a layer has
  /// fewer heads
  torch::Tensor heads;
  double first_loss = 0, second_loss = 0;  ///< bits a token, the first and the second time
};

/// `length` random tokens, twice; the mean over `sequences` of them. Throws std::invalid_argument
/// if twice the length is longer than the model's context, or the length is below 2.
InductionScores induction_scores(GptImpl& model, int64_t length, int64_t sequences, uint64_t seed);

}  // namespace zoo
