// Beam search: of all continuations of the beams, the best num_beams go on; ended texts compete by
// length-normalised score. Lowerre 1976 for the search, Wu et al. 2016 (arXiv:1609.08144), §7 for
// the scores. Groups of beams that avoid each other: beam_groups.h; words that must come:
// beam_banks.h.
//
// Sequences and scores are those of `transformers`. Differs from it: a text that cannot exist (more
// beams than continuations) is left out instead of returned with a score of minus a billion.
#pragma once
#include <vector>

#include "infer/decode/generation.h"
#include "infer/decode/options.h"
#include "infer/decode/step.h"

namespace zoo {

/// Continues prompts[p] from `state`, which has one row a prompt. Of each prompt the
/// num_return_sequences best texts, best first; fewer where the vocabulary allows no more. A
/// prompt's result does not depend on the others. Throws as generate(), and std::runtime_error
/// where coverage is wanted of a model without a source, or every token of a prompt is forbidden.
std::vector<Generation> beam_search(const NextToken& model, DecodeState& state, Prompts prompts,
                                    const DecodeOptions& options);

}  // namespace zoo
