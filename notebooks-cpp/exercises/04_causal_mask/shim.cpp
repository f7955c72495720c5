#include "notebooks-cpp/exercises/grader/shim.h"
#include "notebooks-cpp/exercises/04_causal_mask/causal_mask.h"

EXERCISE_SHIM(EXERCISE_FUNCTION(causal_mask), EXERCISE_FUNCTION(window_mask),
              EXERCISE_FUNCTION(padding_mask), EXERCISE_FUNCTION(decoder_mask))
