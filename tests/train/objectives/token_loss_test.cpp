#include <gmock/gmock.h>

#include <cmath>

#include "train/objectives/token_loss.h"

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

TEST(TokenLossTest, SmoothingMixesInTheUniformDistribution) {
  torch::manual_seed(0);
  const auto logits = torch::randn({1, 1, 4}, torch::kDouble);
  const auto targets = torch::tensor({2L}).view({1, 1});
  const auto log_p = torch::log_softmax(logits, -1).flatten();
  const double plain = -log_p[2].item<double>();
  const double smoothed = 0.8 * plain - 0.2 * log_p.mean().item<double>();
  const auto loss = token_loss(logits, targets, 0.2);
  EXPECT_NEAR(loss.sum.item<double>(), smoothed, 1e-12);
}

TEST(SelectTargetsTest, KeepsTheStatesThatHaveATarget) {
  const auto hidden = torch::arange(12.0).view({2, 3, 2});
  const auto targets = torch::tensor({kIgnored, 4L, kIgnored, 0L, kIgnored, 7L}).view({2, 3});
  const auto chosen = select_targets(hidden, targets);
  EXPECT_TRUE(torch::equal(chosen.targets, torch::tensor({4L, 0L, 7L})));
  EXPECT_TRUE(
      torch::equal(chosen.hidden, torch::tensor({2.0, 3.0, 6.0, 7.0, 10.0, 11.0}).view({3, 2})));
}

TEST(CorrectTokensTest, CountsTheMostProbableOnesThatAreNotIgnored) {
  const auto logits = torch::tensor({1.0, 0.0, 0.0, 1.0, 1.0, 0.0}).view({1, 3, 2});
  const auto targets = torch::tensor({0L, 0L, kIgnored}).view({1, 3});
  EXPECT_EQ(correct_tokens(logits, targets).item<int64_t>(), 1);
}

}  // namespace
}  // namespace zoo
