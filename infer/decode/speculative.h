// Speculative decoding: a small model drafts tokens, the large model reads them all at once and
// accepts as many as keeps its own distribution unchanged.
//
// Leviathan et al. 2023 (arXiv:2211.17192), Algorithm 1; Chen et al. 2023 (arXiv:2302.01318). A
// draft x is accepted with probability min(1, p(x) / q(x)); the first rejected one is replaced by a
// draw from max(p - q, 0). p and q are the two models' distributions after penalties and filters,
// so temperature 0 gives the greedy text.
#pragma once
#include <vector>

#include "infer/decode/generation.h"
#include "infer/decode/options.h"
#include "infer/decode/step.h"

namespace zoo {

/// As generate(), with a draft model of the same vocabulary; each state has one row per prompt.
/// Also throws std::runtime_error if a state cannot drop drafts, or the vocabularies differ.
std::vector<Generation> speculate(const NextToken& model, DecodeState& state,
                                  const NextToken& draft, DecodeState& draft_state, Prompts prompts,
                                  const DecodeOptions& options, const OnToken& on_token = {});

}  // namespace zoo
