// Contrastive search: Su et al. 2022 (arXiv:2202.06417), §3.2, Eq. 5. Of the k most likely tokens
// it takes the one that is likely and whose hidden state differs from those of the text so far:
//
// It is deterministic. Differs from the paper: an encoder-decoder compares the states of its
// decoder, without those of the source.
#pragma once
#include <vector>

#include "infer/decode/generation.h"
#include "infer/decode/options.h"
#include "infer/decode/step.h"

namespace zoo {

/// Continues prompts[p] from `state`, which has one row per prompt and has read none of its text
/// yet; one text per prompt. A step reads sampling.top_k candidates of each row at once. Rows do
/// not affect each other. Throws as generate(), and std::runtime_error for a model that does not
/// return its hidden states.
std::vector<Generation> contrastive_search(const NextToken& model, DecodeState& state,
                                           Prompts prompts, const DecodeOptions& options,
                                           const OnToken& on_token = {});

}  // namespace zoo
