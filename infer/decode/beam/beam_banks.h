// Beams that must contain words: Post & Vilar 2018 (arXiv:1804.06609), "dynamic beam allocation".
// The beams are divided among banks, one for each number of tokens still missing from the words, so
// that texts with more of these tokens do not lose to likelier texts with fewer.
//
// Differs from the paper: beams that a bank cannot use go to the banks that miss least. A text that
// can no longer contain all words within max_new_tokens is dropped at once, so every finished text
// contains them.
#pragma once
#include <span>
#include <vector>

#include "infer/decode/beam/beam.h"
#include "infer/decode/beam/beam_candidates.h"
#include "infer/decode/options.h"

namespace zoo {

/// The best `count` continuations of each beam and those that begin or continue a word, with the
/// number of tokens that they would still miss; none that cannot contain all words within the
/// maximum length. sums, log_probs [n, V] of the n beams.
std::vector<Candidate> candidates_with_words(std::span<const Beam> beams,
                                             std::span<const ForcedWord> words,
                                             const torch::Tensor& sums,
                                             const torch::Tensor& log_probs, int64_t count);

/// Number of beams for each bank, from the number of open candidates in it, the bank that misses
/// most first. Every bank gets the same number and the last one the remainder; unused beams are
/// redistributed.
std::vector<int64_t> allocate_beams(std::span<const int64_t> available, int64_t width);

/// As select_best() in each bank, so with one bank the same. `missing_at_start`: the value for an
/// empty text.
Selection select_by_bank(std::span<const Candidate> best_first, int64_t width,
                         int64_t missing_at_start);

}  // namespace zoo
