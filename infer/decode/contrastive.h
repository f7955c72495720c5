// Contrastive search: Su et al. 2022 (arXiv:2202.06417), §3.2, Eq. 5. Of the k most likely tokens
// the one that is likely and whose hidden state is unlike those of the text so far:
//   (1 - alpha) p(v | x) - alpha max_j cos(h_v, h_xj)
//
// Nothing is drawn. Differs from the paper: an encoder-decoder compares the states of its decoder,
// the source's are not among them.
#pragma once
#include <vector>

#include "infer/decode/generation.h"
#include "infer/decode/options.h"
#include "infer/decode/step.h"

namespace zoo {

/// Continues prompts[p] from `state`, which has one row a prompt and has read nothing of its text
/// before; one text a prompt. A step reads sampling.top_k candidates of each row at once. A row's
/// result does not depend on the others. Throws as generate(), and std::runtime_error for a model
/// that does not give its hidden states.
std::vector<Generation> contrastive_search(const NextToken& model, DecodeState& state,
                                           Prompts prompts, const DecodeOptions& options,
                                           const OnToken& on_token = {});

}  // namespace zoo
