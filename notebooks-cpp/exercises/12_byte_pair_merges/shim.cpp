#include "notebooks-cpp/exercises/grader/shim.h"
#include "notebooks-cpp/exercises/12_byte_pair_merges/byte_pair_merges.h"

EXERCISE_SHIM(EXERCISE_FUNCTION(merge_pair), EXERCISE_FUNCTION(train_merges),
              EXERCISE_FUNCTION(encode))
