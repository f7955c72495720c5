#include "notebooks-cpp/exercises/grader/shim.h"
#include "notebooks-cpp/exercises/06_sinusoidal_positions/sinusoidal_positions.h"

EXERCISE_SHIM(EXERCISE_FUNCTION(sinusoidal_table), EXERCISE_FUNCTION(add_positions),
              EXERCISE_FUNCTION(shift_matrix))
