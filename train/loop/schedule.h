// Learning-rate schedules: warm-up and decay.
#pragma once
#include <cstdint>
#include <string_view>
#include <utility>

#include "base/named_enum.h"

namespace zoo {

enum class ScheduleKind { kConstant, kLinear, kCosine, kNoam, kWarmupStableDecay };
template <>
struct EnumNames<ScheduleKind> {
  static constexpr std::string_view what = "schedule";
  static constexpr std::pair<ScheduleKind, std::string_view> values[] = {
      {ScheduleKind::kConstant, "constant"},
      {ScheduleKind::kLinear, "linear"},
      {ScheduleKind::kCosine, "cosine"},
      {ScheduleKind::kNoam, "noam"},
      {ScheduleKind::kWarmupStableDecay, "wsd"}};
};

struct ScheduleOptions {
  ScheduleKind kind = ScheduleKind::kCosine;
  int64_t warmup_steps = 100;
  int64_t steps = 0;         ///< length; 0: as max_steps
  double final_share = 0.1;  ///< of the peak rate, reached at the end (linear, cosine, wsd)
  double decay_share = 0.2;  ///< wsd: share of the steps spent falling
};

template <class Visitor>
void visit(ScheduleOptions& o, Visitor&& v) {
  v("schedule", o.kind, "How the learning rate rises and falls");
  v("warmup-steps", o.warmup_steps, "Updates over which the learning rate rises");
  v("schedule-steps", o.steps, "Updates of the whole schedule (0: as max-steps)");
  v("final-share", o.final_share, "Learning rate at the end, as a share of its peak");
  v("decay-share", o.decay_share, "Schedule wsd: share of the steps spent falling");
}

/// Rate of update `step`, counted from 0, as a multiple of the peak.
///  warm-up    (step + 1) / (warmup_steps + 1)
///  linear     straight line to final_share
///  cosine     half a cosine to final_share (Loshchilov & Hutter 2017, arXiv:1608.03983)
///  noam       1 / sqrt(step) after the warm-up, scaled to 1 at its end (Vaswani et al. 2017, §5.3,
///             Eq. 3)
///  wsd        constant, then linear to final_share (Hu et al. 2024, arXiv:2404.06395)
double schedule_factor(const ScheduleOptions& options, int64_t step);

/// "schedule": what own_function() may put in its place.
using OwnSchedule = double(const ScheduleOptions& options, int64_t step);

}  // namespace zoo
