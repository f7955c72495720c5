#include "notebooks-cpp/exercises/grader/shim.h"
#include "notebooks-cpp/exercises/08_alibi/alibi.h"

EXERCISE_SHIM(EXERCISE_FUNCTION(alibi_slopes), EXERCISE_FUNCTION(alibi_relative_bias),
              EXERCISE_FUNCTION(dense_bias))
