// The sentence at the end of a run.
#include "train/run/run_verdict.h"

#include <gmock/gmock.h>

namespace zoo {
namespace {

using ::testing::HasSubstr;

VerdictInput trained(double best, int64_t best_step) {
  return {.goal = {.chance = 4.0},
          .expected_band = make_band({}, 2.0),
          .best = best,
          .best_step = best_step,
          .updates = 200};
}

TEST(VerdictTest, ComparesWithChanceAndBand) {
  EXPECT_EQ(judge(trained(1.5, 100)).outcome, Outcome::kReached);
  EXPECT_EQ(judge(trained(2.5, 100)).outcome, Outcome::kMissed);
  EXPECT_EQ(judge(trained(4.5, 100)).outcome, Outcome::kChance);
}

TEST(VerdictTest, ARunWithoutUpdatesIsNotJudged) {
  auto input = trained(4.5, 0);
  input.updates = 0;
  EXPECT_EQ(judge(input).outcome, Outcome::kUnknown);
  EXPECT_EQ(judge(input).sentence, "no update was made: no verdict.");
}

TEST(VerdictTest, AModelThatOnlyGotWorseIsNoSuccess) {
  const Verdict verdict = judge(trained(1.5, 0));
  EXPECT_EQ(verdict.outcome, Outcome::kMissed);
  EXPECT_THAT(verdict.sentence, HasSubstr("NO BETTER than it was at the start"));
}

TEST(VerdictTest, SaysThatTheRunStoppedEarly) {
  auto input = trained(1.5, 100);
  input.stopped_after = 3;
  EXPECT_THAT(judge(input).sentence, HasSubstr("Stopped early: 3 evaluations in a row"));
}

}  // namespace
}  // namespace zoo
