// Continuing prompts token by token, greedily or by sampling, for every model that can step.
#pragma once
#include <memory>
#include <vector>

#include "infer/decode/generation.h"
#include "infer/decode/options.h"
#include "infer/decode/step.h"

namespace zoo {

/// Continues prompts[p] from `state`, which has one row a prompt and may have read something
/// before. Every prompt has at least one token. A row's result does not depend on the other rows:
/// see generation_loop.h. Throws std::invalid_argument for options, std::runtime_error for prompts
/// (empty, too long, ids outside the vocabulary) and for a model whose scores are NaN.
std::vector<Generation> generate(const NextToken& model, std::unique_ptr<DecodeState> state,
                                 Prompts prompts, const DecodeOptions& options,
                                 const OnToken& on_token = {});

}  // namespace zoo
