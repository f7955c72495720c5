// Another way: one phase after the other.
#include "notebooks-cpp/exercises/16_schedules/schedules.h"

double noam(int64_t step, int64_t warmup_steps) {
  const int64_t w = warmup_steps > 0 ? warmup_steps : 1;
  if (step < w) return static_cast<double>(step + 1) / static_cast<double>(w);
  return std::pow(static_cast<double>(step + 1), -0.5) * std::pow(static_cast<double>(w), 0.5);
}

double cosine(int64_t step, int64_t warmup_steps, int64_t steps, double final_share) {
  if (step < warmup_steps) return double(1 + step) / double(1 + warmup_steps);
  if (step == warmup_steps) return 1;
  if (step >= steps) return final_share;
  const double way = double(step - warmup_steps) / double(steps - warmup_steps);
  const double half = std::cos(M_PI / 2 * way);
  return final_share + (1 - final_share) * half * half;
}

double warmup_stable_decay(int64_t step, int64_t warmup_steps, int64_t steps, double decay_share,
                           double final_share) {
  if (step < warmup_steps) return double(1 + step) / double(1 + warmup_steps);
  int64_t begin = steps - static_cast<int64_t>(std::floor(decay_share * double(steps) + 0.5));
  if (begin < warmup_steps) begin = warmup_steps;
  if (step <= begin) return 1;
  if (step >= steps) return final_share;
  const double left = double(steps - step) / double(steps - begin);
  return left + (1 - left) * final_share;
}
