// Finished texts of a beam search, ranked by a length-normalised score.
//
// Wu et al. 2016 (arXiv:1609.08144), §7: length normalisation and coverage penalty, Eq. 14.
#pragma once
#include <torch/types.h>

#include <vector>

#include "infer/decode/generation.h"
#include "infer/decode/options.h"

namespace zoo {

struct Hypothesis {
  std::vector<int64_t> tokens = {};    ///< the new ones, with the one that ended them
  std::vector<double> log_probs = {};  ///< of each under the model
  double sum = 0.0;                    ///< of the log-probabilities after penalties
  torch::Tensor coverage = {};         ///< [S]: attention that each source token has got; or none
  double score = 0.0;
  FinishReason finish = FinishReason::kLength;
};

/// log P(Y|X) / lp(Y).
double length_normalised(double sum, int64_t length, const BeamOptions& options);

/// cp(X; Y) = beta * sum over the source of log(min(coverage, 1)). Tokens without any attention are
/// padding and do not count.
double coverage_score(const torch::Tensor& coverage, double beta);

/// The best `capacity` texts of one search, best first.
class FinishedHypotheses {
 public:
  FinishedHypotheses(int64_t capacity, const BeamOptions& options)
      : capacity_(static_cast<size_t>(capacity)), options_(options) {}

  /// Scores it, and keeps it if it is among the best.
  void add(Hypothesis hypothesis);
  /// Whether an open beam with `length` new tokens and this sum may still displace one of them, by
  /// the rule of early_stopping. `longest`: the maximum number of new tokens.
  bool may_improve(double sum, int64_t length, int64_t longest) const;

  const std::vector<Hypothesis>& best_first() const { return kept_; }

 private:
  size_t capacity_;
  BeamOptions options_;
  std::vector<Hypothesis> kept_;
};

}  // namespace zoo
