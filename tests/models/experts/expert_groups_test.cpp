// Choices grouped by expert, with and without a capacity, against loops.
#include "models/experts/expert_groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "tests/models/experts/kept_choices.h"

namespace zoo {
namespace {

using ::testing::ElementsAre;
using testing::kept_choices;

/// K different experts for each of N tokens.
torch::Tensor random_choices(int64_t N, int64_t K, int64_t E) {
  torch::manual_seed(12);
  const auto liked = torch::rand({N, E}) + 1.0 / (1.0 + torch::arange(E));  // the first ones more
  return std::get<1>(liked.topk(K, 1));
}

std::vector<int64_t> list_of(const torch::Tensor& t) {
  const auto dense = t.contiguous();
  const auto* begin = dense.const_data_ptr<int64_t>();
  return {begin, begin + dense.numel()};
}

TEST(ExpertGroupsTest, ByHand) {
  const auto chosen = torch::tensor({{0, 1}, {2, 0}, {0, 2}}, torch::kLong);  // [N, K]
  const ExpertGroups all = group_by_expert(chosen, 4);
  EXPECT_THAT(all.sizes, ElementsAre(3, 1, 2, 0));
  EXPECT_THAT(list_of(all.tokens), ElementsAre(0, 2, 1, /*expert 1*/ 0, /*expert 2*/ 1, 2));
  EXPECT_THAT(list_of(all.choices), ElementsAre(0, 2, 3 + 1, 3 + 0, 1, 3 + 2));
  // Room for one: first choices first.
  const ExpertGroups few = group_by_expert(chosen, 4, 1);
  EXPECT_THAT(few.sizes, ElementsAre(1, 1, 1, 0));
  EXPECT_THAT(list_of(few.tokens), ElementsAre(0, 0, 1));
  EXPECT_THAT(list_of(few.wanted), ElementsAre(3, 1, 2, 0));
}

TEST(ExpertGroupsTest, HoldEveryKeptChoiceOnceAndNoOther) {
  for (const auto& [N, K, E] : {std::tuple<int64_t, int64_t, int64_t>{40, 2, 8},
                                {13, 3, 5},
                                {1, 4, 4},
                                {9, 1, 1},
                                {0, 2, 3}}) {
    const auto chosen = random_choices(N, K, E);
    for (const int64_t capacity : {0L, 1L, 3L, 1000L}) {
      const auto kept = kept_choices(chosen, E, capacity);  // [N, K]
      const ExpertGroups groups = group_by_expert(chosen, E, capacity);
      auto found = torch::zeros({N, K}, torch::kLong);
      int64_t row = 0;
      for (int64_t e = 0; e < E; ++e) {
        for (int64_t i = 0; i < groups.sizes[static_cast<size_t>(e)]; ++i, ++row) {
          const int64_t choice = groups.choices[row].item<int64_t>(), token = choice % N;
          EXPECT_EQ(groups.tokens[row].item<int64_t>(), token);
          EXPECT_EQ(chosen[token][choice / N].item<int64_t>(), e);
          found[token][choice / N] += 1;
        }
      }
      EXPECT_EQ(row, groups.choices.numel());
      EXPECT_TRUE(torch::equal(found, kept.to(torch::kLong))) << N << " " << capacity;
    }
    const ExpertGroups unlimited = group_by_expert(chosen, E);
    const ExpertGroups enough = group_by_expert(chosen, E, N);
    EXPECT_EQ(unlimited.sizes, enough.sizes);
    EXPECT_TRUE(torch::equal(unlimited.choices, enough.choices));
  }
}

TEST(ExpertCapacityTest, IsTheEvenShareTimesTheFactorRoundedUp) {
  EXPECT_EQ(expert_capacity(1.0, 8, 2, 4), 4);
  EXPECT_EQ(expert_capacity(1.25, 8, 2, 4), 5);
  EXPECT_EQ(expert_capacity(1.0, 7, 1, 4), 2);
  EXPECT_EQ(expert_capacity(1.1, 30, 1, 3), 11);  // 1.1 * 10 is a little above 11
  EXPECT_EQ(expert_capacity(0.01, 8, 1, 4), 1);
  EXPECT_EQ(expert_capacity(1.0, 0, 2, 4), 0);
  EXPECT_EQ(expert_capacity(1e300, 8, 2, 4), 8);  // all tokens
}

}  // namespace
}  // namespace zoo
