// Beam search: at each step the best num_beams of all continuations survive; finished texts compete
// by length-normalised score. Lowerre 1976 for the search, Wu et al. 2016 (arXiv:1609.08144), §7
// for the scores. Diverse groups: beam_groups.h; forced words: beam_banks.h.
//
// Sequences and scores are those of `transformers`. Differs from it: a text that cannot exist (more
// beams than continuations) is omitted, not returned with a score of minus a billion.
#pragma once
#include <vector>

#include "infer/decode/generation.h"
#include "infer/decode/options.h"
#include "infer/decode/step.h"

namespace zoo {

/// Continues prompts[p] from `state`, which has one row per prompt. Returns the
/// num_return_sequences best texts of each prompt, best first; fewer if the vocabulary allows no
/// more. Prompts do not affect each other. Throws as generate(), and std::runtime_error if coverage
/// is requested of a model without a source, or every token of a prompt is forbidden.
std::vector<Generation> beam_search(const NextToken& model, DecodeState& state, Prompts prompts,
                                    const DecodeOptions& options);

}  // namespace zoo
