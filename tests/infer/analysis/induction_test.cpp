#include "infer/analysis/induction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "infer/analysis/head_removal.h"
#include "tests/infer/analysis/by_hand.h"
#include "tests/infer/tiny_models.h"

namespace zoo {
namespace {

TEST(InductionTest, FindsTheHeadThatLooksAfterTheFirstOccurrence) {
  const int64_t n = 5, P = 2 * n, V = 8;
  auto model = testing::readable_gpt(P, V, /*layers=*/2, /*heads=*/2);
  auto& attention = *model->blocks->at<BlockImpl>(1).attention;
  testing::look_at(attention, 0, testing::shifted(P, -1));
  testing::look_at(attention, 1, testing::shifted(P, 1 - n));
  testing::copy_tokens(attention, 1, P, 30);
  const InductionScores scores = induction_scores(*model, n, 4, 1);
  EXPECT_EQ(scores.heads.sizes(), (std::vector<int64_t>{2, 2}));
  EXPECT_NEAR(scores.heads[1][1].item<double>(), 1, 1e-3);
  EXPECT_NEAR(scores.heads[1][0].item<double>(), 0, 1e-3);
  // The inert layer's heads see all keys alike: query t has t + 1 of them.
  double even = 0;
  for (int64_t t = n; t < P; ++t) even += 1.0 / static_cast<double>(t + 1) / n;
  EXPECT_NEAR(scores.heads[0][0].item<double>(), even, 1e-5);
  EXPECT_LT(scores.second_loss, 0.5);  // it repeats what it saw
  EXPECT_GT(scores.first_loss, 2);
}

TEST(InductionTest, SameSeedSameScoresAndNoTouchOfTorchsRandomNumbers) {
  auto model = testing::tiny_gpt(testing::tiny_options());
  torch::manual_seed(3);
  const auto next = torch::rand({1});
  torch::manual_seed(3);
  const auto once = induction_scores(*model, 6, 2, 5), again = induction_scores(*model, 6, 2, 5);
  EXPECT_TRUE(once.heads.equal(again.heads));
  EXPECT_FALSE(once.heads.equal(induction_scores(*model, 6, 2, 6).heads));
  EXPECT_TRUE(torch::rand({1}).equal(next));
}

TEST(InductionTest, ALayerMayHaveFewerHeads) {
  const torch::NoGradGuard no_grad;
  auto model = testing::tiny_gpt(testing::tiny_options());
  remove_heads(*model, "0:1,2,3");
  const auto heads = induction_scores(*model, 6, 2, 5).heads;
  EXPECT_EQ(heads.sizes(), (std::vector<int64_t>{2, 4}));
  EXPECT_FALSE(heads.isnan()[0][0].item<bool>());
  EXPECT_EQ(heads.isnan()[0].sum().item<int64_t>(), 3);
  EXPECT_EQ(heads.isnan()[1].sum().item<int64_t>(), 0);
}

TEST(InductionTest, TwiceTheLengthMustFit) {
  auto model = testing::tiny_gpt(testing::tiny_options());  // context 16
  EXPECT_NO_THROW(induction_scores(*model, 8, 1, 1));
  for (const int64_t length : {9, 1}) {
    EXPECT_THAT([&] { induction_scores(*model, length, 1, 1); },
                ::testing::ThrowsMessage<std::invalid_argument>(
                    ::testing::HasSubstr("must fit the model's context of 16")));
  }
}

}  // namespace
}  // namespace zoo
