#include "train/loop/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/own_function.h"

namespace zoo {
namespace {

/// Way through the fall, 0 to 1, when it begins at `begin` and ends at the schedule's end.
double way(const ScheduleOptions& o, int64_t step, int64_t begin) {
  const auto length = static_cast<double>(std::max<int64_t>(o.steps - begin, 1));
  return std::clamp(static_cast<double>(step - begin) / length, 0.0, 1.0);
}

double between(double share, double final_share) {
  return final_share + share * (1.0 - final_share);
}

}  // namespace

double schedule_factor(const ScheduleOptions& o, int64_t step) {
  static auto* const own = own_function<OwnSchedule>("schedule");
  if (own != nullptr) return own(o, step);
  const auto warmup = static_cast<double>(o.warmup_steps);
  if (o.kind == ScheduleKind::kNoam) {
    const double n = static_cast<double>(step) + 1.0, w = std::max(warmup, 1.0);
    return std::min(std::sqrt(w / n), n / w);
  }
  if (step < o.warmup_steps) return (static_cast<double>(step) + 1.0) / (warmup + 1.0);
  switch (o.kind) {
    case ScheduleKind::kLinear:
      return between(1.0 - way(o, step, o.warmup_steps), o.final_share);
    case ScheduleKind::kCosine:
      return between(0.5 * (1.0 + std::cos(std::numbers::pi * way(o, step, o.warmup_steps))),
                     o.final_share);
    case ScheduleKind::kWarmupStableDecay: {
      const auto fall =
          static_cast<int64_t>(std::llround(o.decay_share * static_cast<double>(o.steps)));
      return between(1.0 - way(o, step, std::max(o.steps - fall, o.warmup_steps)), o.final_share);
    }
    case ScheduleKind::kConstant:
    case ScheduleKind::kNoam:
      break;
  }
  return 1.0;
}

}  // namespace zoo
