// Permuted language modelling: the chosen words are predicted one after the other in a random
// order, each from those before it. The objective of XLNet: Yang et al. 2019 (arXiv:1906.08237),
// §2.2, Eq. 3, with its partial prediction, Eq. 5.
//
// It takes one ordinary pass. The input is the text with masks ([B, T]), then the chosen words at
// their positions in the text ([B, K], the pseudo-masks of Bao et al. 2020, arXiv:2002.12804).
// Attention:
//
//                       sees context | sees chosen words       | sees itself
//   a context word            yes    | none                    |   yes
//   the mask of word k        yes    | those before k          |   yes
//   chosen word k             yes    | those before k          |   yes
//
// Nothing attends to the mask of another word, so a mask gets no information about its word through
// any number of layers. Differs from the paper: no second stream with a query vector (a mask at the
// word's position is the query), absolute instead of relative positions, bidirectional attention
// among context words, no memory of earlier text.
#pragma once
#include <torch/types.h>

#include "train/objectives/masked_batch.h"

namespace zoo {

/// The encoder's input: T positions as in the batch, then K chosen words.
struct PermutedInput {
  torch::Tensor tokens;      // [B, T + K] int64
  torch::Tensor segments;    // [B, T + K] int64
  torch::Tensor positions;   // [B, T + K] int64
  torch::Tensor may_attend;  // [B, 1, T + K, T + K] bool
};

/// batch: all chosen words masked (MaskingOptions::always_mask). positions [B or 1, T]: the
/// position ids of the model. order [B, T]: sort keys that order the chosen words of a row.
PermutedInput permuted_input(const MaskedBatch& batch, const torch::Tensor& positions,
                             const torch::Tensor& order, int64_t K = 0);
/// The most chosen words that a row has.
int64_t most_chosen(const MaskedBatch& batch);

}  // namespace zoo
