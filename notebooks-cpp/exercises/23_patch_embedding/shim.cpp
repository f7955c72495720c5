#include "notebooks-cpp/exercises/grader/shim.h"
#include "notebooks-cpp/exercises/23_patch_embedding/patch_embedding.h"

EXERCISE_SHIM(EXERCISE_FUNCTION(to_patches), EXERCISE_FUNCTION(patch_embedding))
