// Whether counts come from a distribution: Pearson's test.
#pragma once
#include <cmath>
#include <map>
#include <string>
#include <vector>

namespace zoo::testing {

/// Expected counts and drawn ones, by outcome. True where draws from the distribution would be
/// farther from it at least once in a thousand times; false also for an outcome that cannot be.
template <class Outcome>
bool fits(const std::map<Outcome, double>& probability, const std::map<Outcome, int>& drawn) {
  double draws = 0, sum = 0;
  for (const auto& [outcome, count] : drawn) {
    draws += count;
    if (probability.count(outcome) == 0) return false;
  }
  for (const auto& [outcome, p] : probability) {
    const auto found = drawn.find(outcome);
    const double expected = p * draws, count = found == drawn.end() ? 0 : found->second;
    sum += (count - expected) * (count - expected) / expected;
  }
  // The quantile 0.999 for so many degrees of freedom, by Wilson and Hilferty's approximation.
  const double freedom = static_cast<double>(probability.size()) - 1;
  const double root = 1 - 2 / (9 * freedom) + 3.09 * std::sqrt(2 / (9 * freedom));
  return sum <= freedom * root * root * root;
}

}  // namespace zoo::testing
