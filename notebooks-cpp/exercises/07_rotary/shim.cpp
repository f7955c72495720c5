#include "notebooks-cpp/exercises/grader/shim.h"
#include "notebooks-cpp/exercises/07_rotary/rotary.h"

EXERCISE_SHIM(EXERCISE_FUNCTION(rotary_frequencies), EXERCISE_FUNCTION(rotation),
              EXERCISE_FUNCTION(rotate), EXERCISE_FUNCTION(rotary_scores),
              // Angles in hundredths: gradients are then asked for x alone.
              {"rotate_by_hundredths", [](const exercises::Values& v) -> exercises::Value {
                 const auto angles = v.at(1).toTensor().to(torch::kFloat) / 100;
                 return rotate(v.at(0).toTensor(), angles.cos(), angles.sin());
               }})
