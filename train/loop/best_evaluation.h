// The best evaluation of a run so far, and how many came after it: early stopping counts them.
#pragma once
#include <cstdint>
#include <optional>

namespace zoo {

struct BestEvaluation {
  std::optional<double> value = {};  ///< of the goal's metric
  int64_t step = 0;
  int64_t evaluations_since = 0;

  /// Records an evaluation; true if it is the best so far.
  bool take(double candidate, int64_t at_step, bool higher_is_better) {
    const bool better = !value || (higher_is_better ? candidate > *value : candidate < *value);
    if (better)
      *this = {.value = candidate, .step = at_step};
    else
      ++evaluations_since;
    return better;
  }
};

}  // namespace zoo
