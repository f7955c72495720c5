// Continuations that a step of beam search chooses from.
#pragma once
#include <torch/types.h>

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "infer/decode/generation.h"

namespace zoo {

struct Candidate {
  int64_t beam = 0;       ///< which beam of the search it continues
  int64_t token = 0;      ///< with what
  double sum = 0.0;       ///< of the log-probabilities after penalties, this token's included
  double log_prob = 0.0;  ///< of the token under the model
  std::optional<FinishReason> ends = {};  ///< why the text ends with it, if it does
  int64_t missing = 0;                    ///< tokens of forced words that the text still needs
};

/// The `count` best of sums [n, V], best first; fewer where not so many are possible.
std::vector<Candidate> best_candidates(const torch::Tensor& sums, const torch::Tensor& log_probs,
                                       int64_t count);

/// The same of each row of sums, and row b's tokens extra[b] as well where they are possible.
std::vector<Candidate> best_candidates_of_rows(const torch::Tensor& sums,
                                               const torch::Tensor& log_probs, int64_t count,
                                               std::span<const std::vector<int64_t>> extra);

/// Whether a beam goes on with it; a text that only its length ends was a beam until then.
inline bool uses_beam(const Candidate& candidate) {
  return !candidate.ends || *candidate.ends == FinishReason::kLength;
}

struct Selection {
  std::vector<Candidate> ended, open;
};

/// The best `width` that go on; of those that end, the ones among the best `width` of all.
Selection select_best(std::span<const Candidate> best_first, int64_t width);

}  // namespace zoo
