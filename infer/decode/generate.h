// Continuing prompts token by token, greedily or by sampling: one loop for every model that can
// step.
#pragma once
#include <vector>

#include "infer/decode/generation.h"
#include "infer/decode/options.h"
#include "infer/decode/step.h"

namespace zoo {

/// Continues prompts[p] from `state`, which has one row a prompt and may have read something
/// before. Every prompt has at least one token. A row's result does not depend on the other rows:
/// each has its own places in the model, and draws from the stream of (seed, sample, step). Throws
/// std::invalid_argument for options, std::runtime_error for prompts (empty, too long, ids outside
/// the vocabulary) and for a model whose scores are NaN.
std::vector<Generation> generate(NextToken& model, DecodeState& state, Prompts prompts,
                                 const DecodeOptions& options, const OnToken& on_token = {});

}  // namespace zoo
