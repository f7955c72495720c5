// Exercise 16: learning-rate schedules. What to write: README.md beside this file. Grade it: scripts/grade.sh 16
#include "notebooks-cpp/exercises/16_schedules/schedules.h"

// step counts from 0 -> the rate as a multiple of its peak
double noam(int64_t step, int64_t warmup_steps) {
  // BEGIN SOLUTION 16.1 (4)
  const double n = static_cast<double>(step) + 1;
  const double w = std::max(static_cast<double>(warmup_steps), 1.0);
  return std::min(std::sqrt(w / n), n / w);  // Vaswani et al., Eq. 3, divided by its peak
  // END SOLUTION
}

double cosine(int64_t step, int64_t warmup_steps, int64_t steps, double final_share) {
  // BEGIN SOLUTION 16.2 (3)
  if (step < warmup_steps) return (step + 1.0) / (warmup_steps + 1.0);
  const double length = std::max<int64_t>(steps - warmup_steps, 1);
  const double way = std::min((step - warmup_steps) / length, 1.0);  // through the fall, 0 to 1
  return final_share + (1 - final_share) * 0.5 * (1 + std::cos(M_PI * way));
  // END SOLUTION
}

double warmup_stable_decay(int64_t step, int64_t warmup_steps, int64_t steps, double decay_share,
                           double final_share) {
  // BEGIN SOLUTION 16.3 (3)
  if (step < warmup_steps) return (step + 1.0) / (warmup_steps + 1.0);
  const int64_t fall = std::llround(decay_share * static_cast<double>(steps));
  const int64_t begin = std::max(steps - fall, warmup_steps);
  const double length = std::max<int64_t>(steps - begin, 1);
  const double way = std::clamp((step - begin) / length, 0.0, 1.0);
  return 1 - (1 - final_share) * way;
  // END SOLUTION
}
