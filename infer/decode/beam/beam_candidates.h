// The continuations that a beam search step selects from.
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

/// The `count` best of sums [n, V], best first; fewer if fewer are possible.
std::vector<Candidate> best_candidates(const torch::Tensor& sums, const torch::Tensor& log_probs,
                                       int64_t count);

/// The key of a draw: a function of these alone, so that it does not depend on the batch.
struct DrawKey {
  uint64_t seed = 0, stream = 0;
  int64_t step = 0;
};
/// `count` continuations drawn without replacement with probabilities softmax(sums), in the order
/// of the draws (Gumbel-top-k, Kool et al. 2019, arXiv:1903.06059).
std::vector<Candidate> drawn_candidates(const torch::Tensor& sums, const torch::Tensor& log_probs,
                                        int64_t count, const DrawKey& key);

/// The best ones of each row of sums, and also row b's tokens extra[b] if they are possible.
std::vector<Candidate> best_candidates_of_rows(const torch::Tensor& sums,
                                               const torch::Tensor& log_probs, int64_t count,
                                               std::span<const std::vector<int64_t>> extra);

/// Whether the candidate is a beam: it is open, or only its length ended it.
inline bool uses_beam(const Candidate& candidate) {
  return !candidate.ends || *candidate.ends == FinishReason::kLength;
}

struct Selection {
  std::vector<Candidate> ended, open;
};

/// The best `width` open candidates; and of the finished ones, those among the first `width` of
/// all.
Selection select_best(std::span<const Candidate> in_order, int64_t width);

}  // namespace zoo
