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

VerdictInput cut_short(double best) {
  VerdictInput input = trained(best, 100);
  input.planned = 2000;
  return input;
}

TEST(VerdictTest, ARunCutShortHasNotFailed) {
  const Verdict verdict = judge(cut_short(2.5));
  EXPECT_EQ(verdict.outcome, Outcome::kUnknown);
  EXPECT_EQ(verdict.sentence,
            "val loss 2.5000 (best, step 100): stopped at 200 of 2000; the recipe expects at most "
            "2 at its end; guessing gives 4.0000.");
}

TEST(VerdictTest, ARunCutShortMayHaveReachedTheBand) {
  EXPECT_EQ(judge(cut_short(1.5)).outcome, Outcome::kReached);
}

TEST(VerdictTest, ARunCutShortMayNotBeatGuessingYet) {
  const Verdict verdict = judge(cut_short(4.5));
  EXPECT_EQ(verdict.outcome, Outcome::kUnknown);
  EXPECT_THAT(verdict.sentence, HasSubstr("stopped at 200 of 2000, no better than guessing yet"));
}

TEST(VerdictTest, PatienceEndsARunForGood) {
  auto input = cut_short(2.5);
  input.stopped_after = 3;
  EXPECT_EQ(judge(input).outcome, Outcome::kMissed);
}

TEST(VerdictTest, ASignalIsNoVerdict) {
  auto input = cut_short(2.5);
  input.interrupted = true;
  EXPECT_EQ(judge(input).outcome, Outcome::kUnknown);
  EXPECT_EQ(judge(input).sentence,
            "stopped at 200 of 2000; the recipe expects at most 2 at its end; continue with "
            "--resume.");
}

TEST(VerdictTest, WithoutABandThereIsNothingToCompareWith) {
  auto input = trained(2.5, 100);
  input.expected_band.reset();
  EXPECT_EQ(judge(input).outcome, Outcome::kUnknown);
  EXPECT_THAT(judge(input).sentence,
              HasSubstr("better than guessing; no result is stated to compare with"));
}

TEST(VerdictTest, SaysThatTheRunStoppedEarly) {
  auto input = trained(1.5, 100);
  input.stopped_after = 3;
  EXPECT_THAT(judge(input).sentence, HasSubstr("Stopped early: 3 evaluations in a row"));
}

}  // namespace
}  // namespace zoo
