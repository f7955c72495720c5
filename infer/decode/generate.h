// Continues prompts token by token, greedily or by sampling, with any NextToken model.
#pragma once
#include <memory>
#include <vector>

#include "infer/decode/generation.h"
#include "infer/decode/options.h"
#include "infer/decode/step.h"

namespace zoo {

/// Continues prompts[p] from `state`, which has one row per prompt and may have read something
/// before. Every prompt has at least one token. Rows do not affect each other: see
/// generation_loop.h. Throws std::invalid_argument for options, std::runtime_error for prompts
/// (empty, too long, ids outside the vocabulary) and for a model whose scores are NaN.
std::vector<Generation> generate(const NextToken& model, std::unique_ptr<DecodeState> state,
                                 Prompts prompts, const DecodeOptions& options,
                                 const OnToken& on_token = {});

}  // namespace zoo
