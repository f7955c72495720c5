#include "infer/decode/penalties.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/infer/decode/logits_row.h"

namespace zoo {
namespace {

using testing::row;

const std::vector<RowTokens> kRows = {{.all = {0, 2, 2, 1, 2}, .prompt_length = 2},
                                      {.all = {3}, .prompt_length = 1}};

TEST(PenaltiesTest, CountsTheTextOrWhatWasGenerated) {
  EXPECT_TRUE(count_tokens(kRows, 4, false)
                  .equal(torch::tensor({{1., 1., 3., 0.}, {0., 0., 0., 1.}}).to(torch::kFloat)));
  EXPECT_TRUE(count_tokens(kRows, 4, true)
                  .equal(torch::tensor({{0., 1., 2., 0.}, {0., 0., 0., 0.}}).to(torch::kFloat)));
}

TEST(PenaltiesTest, TokensThatTheScoresDoNotHaveCountNowhere) {
  EXPECT_TRUE(
      count_tokens(kRows, 2, false).equal(torch::tensor({{1., 1.}, {0., 0.}}).to(torch::kFloat)));
}

TEST(PenaltiesTest, RepetitionPenaltyDividesPositiveLogitsAndMultipliesNegativeOnes) {
  const auto seen = torch::tensor({true, true, false, false}).unsqueeze(0);
  const auto penalised = penalise_repetition(row({4, -4, 4, -4}), seen, 2.0);
  EXPECT_TRUE(penalised.equal(row({2, -8, 4, -4})));
}

TEST(PenaltiesTest, PresenceCountsOnceAndFrequencyEachTime) {
  const auto counts = row({0, 1, 3});
  EXPECT_TRUE(
      penalise_presence_and_frequency(row({5, 5, 5}), counts, 1.0, 0.0).equal(row({5, 4, 4})));
  EXPECT_TRUE(
      penalise_presence_and_frequency(row({5, 5, 5}), counts, 0.0, 0.5).equal(row({5, 4.5, 3.5})));
  EXPECT_TRUE(
      penalise_presence_and_frequency(row({5, 5, 5}), counts, -1.0, 0.5).equal(row({5, 5.5, 4.5})));
}

}  // namespace
}  // namespace zoo
