#include "notebooks-cpp/exercises/grader/use.h"
#include "notebooks-cpp/exercises/16_schedules/schedules.h"
#include "train/loop/schedule.h"

namespace {

/// The schedules that are no exercise stay constant after their warm-up.
double schedule(const zoo::ScheduleOptions& o, int64_t step) {
  switch (o.kind) {
    case zoo::ScheduleKind::kNoam:
      return noam(step, o.warmup_steps);
    case zoo::ScheduleKind::kCosine:
      return cosine(step, o.warmup_steps, o.steps, o.final_share);
    case zoo::ScheduleKind::kWarmupStableDecay:
      return warmup_stable_decay(step, o.warmup_steps, o.steps, o.decay_share, o.final_share);
    default:
      return 1.0;
  }
}

}  // namespace

EXERCISE_USE(exercises::own<zoo::OwnSchedule>("schedule", &schedule))
