#include "notebooks-cpp/exercises/grader/shim.h"
#include "notebooks-cpp/exercises/19_teacher_forcing/teacher_forcing.h"

EXERCISE_SHIM(EXERCISE_FUNCTION(collate_targets), EXERCISE_FUNCTION(next_token_loss))
