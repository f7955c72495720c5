#include "train/objectives/retrieval.h"

#include <gtest/gtest.h>
#include <torch/utils.h>

namespace zoo {
namespace {

torch::Tensor diagonal(int64_t n) { return torch::eye(n).to(torch::kBool); }

TEST(RetrievalTest, RanksByHand) {
  const auto scores = torch::tensor({{0.9, 0.5, 0.1}, {0.8, 0.3, 0.7}, {0.2, 0.1, 0.4}});
  // The matches stand first, third and first.
  EXPECT_NEAR(recall_at(1, scores, diagonal(3)), 2.0 / 3, 1e-12);
  EXPECT_NEAR(recall_at(2, scores, diagonal(3)), 2.0 / 3, 1e-12);
  EXPECT_NEAR(recall_at(3, scores, diagonal(3)), 1.0, 1e-12);
}

TEST(RetrievalTest, AnyOfSeveralMatchesWillDo) {
  const auto matches = torch::tensor({{true, false, true}});
  EXPECT_EQ(recall_at(1, torch::tensor({{0.1, 0.5, 0.9}}), matches), 1.0);
  EXPECT_EQ(recall_at(1, torch::tensor({{0.1, 0.9, 0.5}}), matches), 0.0);
}

TEST(RetrievalTest, AModelThatScoresAllAlikeFindsNothing) {
  EXPECT_EQ(recall_at(1, torch::zeros({5, 5}), diagonal(5)), 0.0);
  EXPECT_EQ(recall_at(5, torch::zeros({5, 5}), diagonal(5)), 1.0);
}

TEST(RetrievalTest, ChanceIsWhatRandomScoresReach) {
  torch::manual_seed(1);
  const auto matches =
      torch::rand({4000, 12}).lt(0.1) |
      torch::eye(12).index_select(0, torch::randint(12, {4000}, torch::kLong)).to(torch::kBool);
  for (const int64_t k : {1, 5, 10, 12}) {
    EXPECT_NEAR(recall_at(k, torch::rand({4000, 12}), matches), chance_recall_at(k, matches), 0.02)
        << k;
  }
  EXPECT_NEAR(chance_recall_at(1, diagonal(50)), 0.02, 1e-12);
  EXPECT_NEAR(chance_recall_at(100, diagonal(50)), 1.0, 1e-12);
}

TEST(RetrievalTest, AQueryWithoutAMatchIsAnError) {
  EXPECT_THROW(recall_at(1, torch::zeros({2, 2}), torch::tensor({{true, false}, {false, false}})),
               c10::Error);
  EXPECT_THROW(recall_at(1, torch::zeros({2, 3}), diagonal(2)), c10::Error);
}

}  // namespace
}  // namespace zoo
