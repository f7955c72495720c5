// Patterns on weights written down by hand.
#include "infer/analysis/head_patterns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/infer/analysis/by_hand.h"

namespace zoo {
namespace {

torch::Tensor causal(int64_t T) { return torch::ones({T, T}, torch::kBool).tril(); }

/// Of a head that sees all keys alike.
torch::Tensor even(const torch::Tensor& may_attend) {
  const auto w = may_attend.to(torch::kFloat);
  return w / w.sum(1, true);
}

TEST(HeadPatternsTest, AHeadThatSeesAllKeysAlikeHasNoPattern) {
  for (const auto& mask : {causal(4), torch::ones({5, 5}, torch::kBool)}) {
    const HeadScores s = score_head(even(mask), mask);
    for (const double score : {s.diagonal, s.offset, s.anti_diagonal, s.vertical, s.block})
      EXPECT_NEAR(score, 0, 1e-6);
    EXPECT_NEAR(s.entropy, s.most_entropy, 1e-6);
    EXPECT_EQ(s.pattern, HeadPattern::kMixed);
  }
  // The first query has no choice: of 2, 3 and 4 keys.
  EXPECT_NEAR(score_head(even(causal(4)), causal(4)).entropy, (1 + std::log2(3) + 2) / 3, 1e-6);
}

TEST(HeadPatternsTest, ScoresFallWithTheShareOffThePattern) {
  const auto mask = torch::ones({6, 6}, torch::kBool);
  const auto previous = testing::shifted(6, -1);
  auto w = previous.clone();
  w[0][0] = 1;
  const HeadScores all = score_head(w, mask), half = score_head((w + even(mask)) / 2, mask);
  EXPECT_NEAR(all.offset, 1, 1e-6);
  EXPECT_EQ(all.by, -1);
  EXPECT_NEAR(half.offset, 0.5, 1e-6);
  EXPECT_EQ(half.pattern, HeadPattern::kOffset);
  EXPECT_NEAR(score_head((w + 2 * even(mask)) / 3, mask).offset, 1.0 / 3, 1e-6);
  EXPECT_EQ(score_head((w + 2 * even(mask)) / 3, mask).pattern, HeadPattern::kMixed);
}

TEST(HeadPatternsTest, ABlockIsSeenWhereItsHeadCouldLookAcross) {
  const auto mask = torch::ones({6, 6}, torch::kBool);
  auto sides = torch::zeros({6, 6});
  sides.slice(0, 0, 2).slice(1, 0, 2).fill_(0.5);
  sides.slice(0, 2).slice(1, 2).fill_(0.25);
  const HeadScores s = score_head(sides, mask);
  EXPECT_EQ(s.pattern, HeadPattern::kBlock);
  EXPECT_EQ(s.cut, 2);
  EXPECT_NEAR(s.block, 1, 1e-6);
}

TEST(HeadPatternsTest, ACrossMapHasColumnsButNoBlocks) {
  auto w = torch::zeros({3, 7});
  w.select(1, 6).fill_(1);
  const HeadScores s = score_head(w, torch::ones({3, 7}, torch::kBool));
  EXPECT_EQ(s.pattern, HeadPattern::kVertical);
  EXPECT_EQ(s.key, 6);
  EXPECT_EQ(s.block, 0);
}

TEST(HeadPatternsTest, AHeadThatReadsBackwardsIsAnAntiDiagonal) {
  auto w = torch::zeros({4, 5});
  for (int64_t t = 0; t < 4; ++t) w[t][3 - t] = 1;
  const HeadScores s = score_head(w, torch::ones({4, 5}, torch::kBool));
  EXPECT_EQ(s.pattern, HeadPattern::kAntiDiagonal);
  EXPECT_EQ(s.sum, 3);
  EXPECT_NEAR(s.anti_diagonal, 1, 1e-6);
}

TEST(HeadPatternsTest, OneTokenHasNoPattern) {
  const HeadScores s = score_head(torch::ones({1, 1}), causal(1));
  EXPECT_EQ(s.pattern, HeadPattern::kMixed);
  EXPECT_EQ(s.entropy, 0);
}

TEST(HeadPatternsTest, HeadsThatShareNoKeyAreUnlikeAndEqualOnesAlike) {
  const auto one = torch::eye(4), other = torch::eye(4).flip(1);  // never the same key
  const AttentionMap map{
      .name = "self",
      .queries = {"a", "b", "c", "d"},
      .keys = {"a", "b", "c", "d"},
      .may_attend = torch::ones({4, 4}, torch::kBool),
      .layers = {torch::stack({one, other}),
                 torch::stack({other, even(torch::ones({4, 4}, torch::kBool))})}};
  const auto alike = head_similarity(map);  // [4, 4]
  EXPECT_NEAR(alike[0][1].item<double>(), 0, 1e-6);
  EXPECT_NEAR(alike[1][2].item<double>(), 1, 1e-6);
  // One key against four alike: 1 - (H(mixture) - (0 + 2) / 2), the mixture 5/8, 1/8, 1/8, 1/8.
  const double mixed = -(0.625 * std::log2(0.625) + 3 * 0.125 * std::log2(0.125));
  EXPECT_NEAR(alike[0][3].item<double>(), 1 - (mixed - 1), 1e-6);
  const auto rows = score_heads(map);
  EXPECT_EQ(rows[1].like_layer, 1);
  EXPECT_EQ(rows[1].like_head, 0);
}

}  // namespace
}  // namespace zoo
