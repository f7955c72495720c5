#include <gmock/gmock.h>

#include <cmath>

#include "train/objectives/next_token.h"

namespace zoo {
namespace {

TEST(TokenLossTest, IsTheSumOfNegativeLogProbabilities) {
  const auto logits = torch::tensor({0.0, std::log(3.0), 0.0, 0.0}).view({1, 2, 2});
  const auto loss = token_loss(logits, torch::tensor({1L, 0L}).view({1, 2}));
  EXPECT_NEAR(loss.sum.item<double>(), -std::log(0.75) - std::log(0.5), 1e-6);
  EXPECT_DOUBLE_EQ(loss.tokens, 2.0);
}

TEST(TokenLossTest, PaddingCountsForNothing) {
  torch::manual_seed(0);
  const auto logits = torch::randn({2, 3, 5}).requires_grad_();
  const auto targets = torch::tensor({1L, kIgnored, 2L, kIgnored, kIgnored, 4L}).view({2, 3});
  const auto loss = token_loss(logits, targets, 0.1);
  EXPECT_DOUBLE_EQ(loss.tokens, 3.0);
  loss.sum.backward();
  EXPECT_EQ(logits.grad()[0][1].abs().max().item<float>(), 0.0F);
  EXPECT_GT(logits.grad()[0][0].abs().max().item<float>(), 0.0F);
}

TEST(TokenLossTest, SmoothingMixesInTheUniformDistributionAndLeavesThePlainLossAlone) {
  torch::manual_seed(0);
  const auto logits = torch::randn({1, 1, 4}, torch::kDouble);
  const auto targets = torch::tensor({2L}).view({1, 1});
  const auto log_p = torch::log_softmax(logits, -1).flatten();
  const double plain = -log_p[2].item<double>();
  const double smoothed = 0.8 * plain - 0.2 * log_p.mean().item<double>();
  const auto loss = token_loss(logits, targets, 0.2);
  EXPECT_NEAR(loss.sum.item<double>(), smoothed, 1e-12);
  EXPECT_NEAR(loss.plain_sum.item<double>(), plain, 1e-12);
}

TEST(CountedPlacesTest, AreThoseOfTheTargetsThatCount) {
  const auto hidden = torch::arange(12.0).view({2, 3, 2});
  const auto targets = torch::tensor({kIgnored, 4L, kIgnored, 0L, kIgnored, 7L}).view({2, 3});
  const auto counted = at_counted_places(hidden, targets);
  EXPECT_TRUE(torch::equal(counted.targets, torch::tensor({4L, 0L, 7L})));
  EXPECT_TRUE(
      torch::equal(counted.hidden, torch::tensor({2.0, 3.0, 6.0, 7.0, 10.0, 11.0}).view({3, 2})));
}

TEST(CorrectTokensTest, CountsTheMostProbableOnesThatCount) {
  const auto logits = torch::tensor({1.0, 0.0, 0.0, 1.0, 1.0, 0.0}).view({1, 3, 2});
  EXPECT_EQ(correct_tokens(logits, torch::tensor({0L, 0L, kIgnored}).view({1, 3})), 1.0);
}

}  // namespace
}  // namespace zoo
