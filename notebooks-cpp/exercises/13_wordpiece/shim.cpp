#include "notebooks-cpp/exercises/grader/shim.h"
#include "notebooks-cpp/exercises/13_wordpiece/wordpiece.h"

EXERCISE_SHIM(EXERCISE_FUNCTION(longest_piece), EXERCISE_FUNCTION(wordpiece))
