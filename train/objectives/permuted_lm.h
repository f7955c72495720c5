// Permuted language modelling: the chosen words are guessed one after the other in a random order,
// each with the ones before it in view. The objective of XLNet: Yang et al. 2019
// (arXiv:1906.08237), §2.2, Eq. 3, with its partial prediction, Eq. 5.
//
// One ordinary pass does it. Beside the text with masks ([B, T]) stand the chosen words themselves,
// at the positions they have in the text ([B, K], the pseudo-masks of Bao et al. 2020,
// arXiv:2002.12804). Who sees whom:
//
//                       sees context | sees chosen words       | sees itself
//   a context word            yes    | none                    |   yes
//   the mask of word k        yes    | those before k          |   yes
//   chosen word k             yes    | those before k          |   yes
//
// No other mask is seen by anyone, so a mask learns of its word nothing, through any number of
// layers. Differs from the paper: no second stream with a query vector of its own (a mask at the
// word's position is the query), absolute instead of relative positions, context words see each
// other in both directions, no memory of earlier text.
#pragma once
#include <torch/types.h>

#include "train/objectives/masked_batch.h"

namespace zoo {

/// What the encoder reads: T positions as in the batch, then K chosen words.
struct PermutedInput {
  torch::Tensor tokens;      // [B, T + K] int64
  torch::Tensor segments;    // [B, T + K] int64
  torch::Tensor positions;   // [B, T + K] int64
  torch::Tensor may_attend;  // [B, 1, T + K, T + K] bool
};

/// batch: all chosen words masked (MaskingOptions::always_mask). positions [B or 1, T]: the
/// position ids of the model. order [B, T]: the chosen words of a row come in the order of their
/// numbers.
PermutedInput permuted_input(const MaskedBatch& batch, const torch::Tensor& positions,
                             const torch::Tensor& order);

}  // namespace zoo
