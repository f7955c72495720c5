#pragma once
#include "notebooks-cpp/exercises/grader/student.h"

double noam(int64_t step, int64_t warmup_steps);
double cosine(int64_t step, int64_t warmup_steps, int64_t steps, double final_share);
double warmup_stable_decay(int64_t step, int64_t warmup_steps, int64_t steps, double decay_share,
                           double final_share);
