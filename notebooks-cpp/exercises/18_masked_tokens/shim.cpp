#include "notebooks-cpp/exercises/grader/shim.h"
#include "notebooks-cpp/exercises/18_masked_tokens/masked_tokens.h"

EXERCISE_SHIM(EXERCISE_FUNCTION(choose_tokens), EXERCISE_FUNCTION(mask_tokens))
