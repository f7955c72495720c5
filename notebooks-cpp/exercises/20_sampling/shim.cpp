#include "notebooks-cpp/exercises/grader/shim.h"
#include "notebooks-cpp/exercises/20_sampling/sampling.h"

namespace {

/// As probabilities: logits may differ by a constant of their row.
torch::Tensor at_temperature(const torch::Tensor& logits, double temperature) {
  return scale_by_temperature(logits, temperature).softmax(-1);
}

}  // namespace

EXERCISE_SHIM(EXERCISE_FUNCTION(at_temperature), EXERCISE_FUNCTION(keep_top_k),
              EXERCISE_FUNCTION(keep_top_p), EXERCISE_FUNCTION(keep_min_p),
              EXERCISE_FUNCTION(draw_tokens))
