// Exercise 16: learning-rate schedules. What to write: README.md beside this file. Grade it: scripts/grade.sh 16
#include "notebooks-cpp/exercises/16_schedules/schedules.h"

// step counts from 0 -> the rate as a multiple of its peak
double noam(int64_t step, int64_t warmup_steps) {
  // TODO 16.1 (4 marks)
  throw NotDone("16.1");
}

double cosine(int64_t step, int64_t warmup_steps, int64_t steps, double final_share) {
  // TODO 16.2 (3 marks)
  throw NotDone("16.2");
}

double warmup_stable_decay(int64_t step, int64_t warmup_steps, int64_t steps, double decay_share,
                           double final_share) {
  // TODO 16.3 (3 marks)
  throw NotDone("16.3");
}
