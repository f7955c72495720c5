// Speculative decoding: a small model drafts tokens, the model reads them all at once and keeps as
// many as leave its own distribution unchanged.
//
// Leviathan et al. 2023 (arXiv:2211.17192), Algorithm 1; Chen et al. 2023 (arXiv:2302.01318). A
// draft x is kept with probability min(1, p(x) / q(x)); the first one that is refused is drawn anew
// from max(p - q, 0). p and q are the two models' distributions after penalties and filters, so
// that temperature 0 gives the greedy text.
#pragma once
#include <vector>

#include "infer/decode/generation.h"
#include "infer/decode/options.h"
#include "infer/decode/step.h"

namespace zoo {

/// As generate(), with a draft model of the same vocabulary; each state has one row a prompt.
/// Throws std::runtime_error also where a state cannot drop drafts, or the vocabularies differ.
std::vector<Generation> speculate(const NextToken& model, DecodeState& state,
                                  const NextToken& draft, DecodeState& draft_state, Prompts prompts,
                                  const DecodeOptions& options, const OnToken& on_token = {});

}  // namespace zoo
