// Beams that must bring words: Post & Vilar 2018 (arXiv:1804.06609), "dynamic beam allocation". The
// beams are shared among banks, one for each number of tokens that the words still miss, so that
// texts that have written more of them do not lose against likelier ones that have not.
//
// Differs from the paper: beams that a bank cannot use go to the banks that miss least, and a text
// that could not hold all words any more within max_new_tokens is dropped at once, so that every
// text that ends holds them.
#pragma once
#include <span>
#include <vector>

#include "infer/decode/beam/beam.h"
#include "infer/decode/beam/beam_candidates.h"
#include "infer/decode/options.h"

namespace zoo {

/// The best `count` continuations of each beam and those that begin or go on with a word, with what
/// they would still miss; none that could not bring all words before the text is as long as it may
/// be. sums, log_probs [n, V] of the n beams.
std::vector<Candidate> candidates_with_words(std::span<const Beam> beams,
                                             std::span<const ForcedWord> words,
                                             const torch::Tensor& sums,
                                             const torch::Tensor& log_probs, int64_t count);

/// Beams for each bank of `available` candidates that go on, the bank that misses most first.
/// Every bank gets the same, the last one what does not divide; then what some leave over.
std::vector<int64_t> allocate_beams(std::span<const int64_t> available, int64_t width);

/// As select_best() in each bank; with one bank the same. `missing_at_start`: of an empty text.
Selection select_by_bank(std::span<const Candidate> best_first, int64_t width,
                         int64_t missing_at_start);

}  // namespace zoo
