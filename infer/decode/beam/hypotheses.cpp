// Scores of finished texts, and whether a search may stop.
#include "infer/decode/beam/hypotheses.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace zoo {

double length_normalised(double sum, int64_t length, const BeamOptions& o) {
  const auto n = static_cast<double>(length);
  const double base = o.length_penalty_form == LengthPenalty::kGnmt ? (5 + n) / 6 : n;
  return sum / std::pow(base, o.length_penalty);
}

double coverage_score(const torch::Tensor& coverage, double beta) {
  const auto attended = coverage.masked_select(coverage.gt(0));
  return beta * attended.clamp_max(1.0).log().sum().item<double>();
}

void FinishedHypotheses::add(Hypothesis hypothesis) {
  hypothesis.score = length_normalised(hypothesis.sum, std::ssize(hypothesis.tokens), options_);
  if (options_.coverage_penalty != 0.0) {
    hypothesis.score += coverage_score(hypothesis.coverage, options_.coverage_penalty);
  }
  const auto place = std::ranges::upper_bound(kept_, hypothesis.score, std::greater<>(),
                                              &Hypothesis::score);  // behind its equals
  kept_.insert(place, std::move(hypothesis));
  if (kept_.size() > capacity_) kept_.pop_back();
}

bool FinishedHypotheses::may_improve(double sum, int64_t length, int64_t longest) const {
  if (kept_.size() < capacity_) return true;
  if (options_.early_stopping == EarlyStopping::kTrue) return false;
  // With a positive exponent the best that can happen is to grow at no cost to the full length.
  const bool grows =
      options_.early_stopping == EarlyStopping::kNever && options_.length_penalty > 0.0;
  return length_normalised(sum, grows ? longest : length, options_) > kept_.back().score;
}

}  // namespace zoo
