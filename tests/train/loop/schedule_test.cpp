#include "train/loop/schedule.h"

#include <gmock/gmock.h>

#include <cmath>

namespace zoo {
namespace {

ScheduleOptions of(ScheduleKind kind) {
  return {.kind = kind, .warmup_steps = 10, .steps = 110, .final_share = 0.1, .decay_share = 0.5};
}

TEST(ScheduleTest, WarmUpRisesInAStraightLineAndNeverStartsAtZero) {
  for (const auto kind : {ScheduleKind::kConstant, ScheduleKind::kLinear, ScheduleKind::kCosine,
                          ScheduleKind::kWarmupStableDecay}) {
    EXPECT_DOUBLE_EQ(schedule_factor(of(kind), 0), 1.0 / 11.0);
    EXPECT_DOUBLE_EQ(schedule_factor(of(kind), 9), 10.0 / 11.0);
    EXPECT_DOUBLE_EQ(schedule_factor(of(kind), 10), 1.0);
  }
}

TEST(ScheduleTest, LinearFallsToItsFinalShareAndStaysThere) {
  const auto o = of(ScheduleKind::kLinear);
  EXPECT_DOUBLE_EQ(schedule_factor(o, 60), 0.55);
  EXPECT_DOUBLE_EQ(schedule_factor(o, 110), 0.1);
  EXPECT_DOUBLE_EQ(schedule_factor(o, 1000), 0.1);
}

TEST(ScheduleTest, CosineIsHalfWayDownInTheMiddle) {
  const auto o = of(ScheduleKind::kCosine);
  EXPECT_DOUBLE_EQ(schedule_factor(o, 60), 0.55);
  EXPECT_NEAR(schedule_factor(o, 35), 0.1 + 0.9 * 0.5 * (1 + std::sqrt(0.5)), 1e-12);
  EXPECT_DOUBLE_EQ(schedule_factor(o, 110), 0.1);
}

TEST(ScheduleTest, NoamPeaksAtTheEndOfTheWarmUpAndFallsAsOneOverTheRoot) {
  const auto o = of(ScheduleKind::kNoam);
  EXPECT_DOUBLE_EQ(schedule_factor(o, 0), 0.1);
  EXPECT_DOUBLE_EQ(schedule_factor(o, 9), 1.0);
  EXPECT_DOUBLE_EQ(schedule_factor(o, 39), 0.5);
  EXPECT_DOUBLE_EQ(schedule_factor(o, 999), 0.1);
}

TEST(ScheduleTest, WarmupStableDecayHoldsThenFalls) {
  const auto o = of(ScheduleKind::kWarmupStableDecay);
  EXPECT_DOUBLE_EQ(schedule_factor(o, 55), 1.0);
  EXPECT_NEAR(schedule_factor(o, 55 + 27), 0.1 + 0.9 * (28.0 / 55.0), 1e-12);
  EXPECT_DOUBLE_EQ(schedule_factor(o, 110), 0.1);
}

TEST(ScheduleTest, WithoutWarmUpOrLengthNothingBreaks) {
  EXPECT_DOUBLE_EQ(schedule_factor({.kind = ScheduleKind::kNoam, .warmup_steps = 0}, 0), 1.0);
  EXPECT_DOUBLE_EQ(
      schedule_factor({.kind = ScheduleKind::kCosine, .warmup_steps = 0, .steps = 0}, 0), 1.0);
  EXPECT_DOUBLE_EQ(
      schedule_factor({.kind = ScheduleKind::kLinear, .warmup_steps = 0, .steps = 1}, 5), 0.1);
}

}  // namespace
}  // namespace zoo
