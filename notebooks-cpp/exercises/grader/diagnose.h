// Names the misconception behind wrong answers: the reference makes each known mistake, and pairs of
// them, on the same calls; the one whose answers are the student's is named.
#pragma once
#include <string>
#include <vector>

#include "notebooks-cpp/exercises/grader/exercise.h"

namespace exercises {

/// What a student's function answered.
struct Observation {
  Probe probe = {};
  Value answer = {};                      ///< its result, or the gradients of its arguments
  std::vector<at::Tensor> upstream = {};  ///< not empty: `answer` holds gradients
};

/// What the reference with these faults gives where the student gave observation.answer.
Value predict(const Exercise& exercise, const Observation& observation, const Faults& faults);

struct Diagnosis {
  std::vector<std::string> faults = {};  ///< one or two; empty: no guess
  std::string seen = {};                 ///< the first fault's evidence
};

/// Of the first function with a wrong answer. A guess only where it explains all its answers, right
/// ones too, to 1e-4, and ten times better than any other mistake.
Diagnosis diagnose(const Exercise& exercise, const std::vector<Observation>& observations);

}  // namespace exercises
