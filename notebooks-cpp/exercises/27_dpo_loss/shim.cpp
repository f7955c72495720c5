#include "notebooks-cpp/exercises/grader/shim.h"
#include "notebooks-cpp/exercises/27_dpo_loss/dpo_loss.h"

EXERCISE_SHIM(EXERCISE_FUNCTION(answer_log_probs), EXERCISE_FUNCTION(dpo_loss),
              EXERCISE_FUNCTION(dpo_gradient))
