// What layers of experts report: values by hand, by layer, by thread, and that nothing changes.
#include "models/experts/expert_statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "models/experts/mixture_of_experts.h"

namespace zoo {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;

/// Tokens whose router has these probabilities, in a layer with an identity as its router.
torch::Tensor tokens_with(const std::vector<std::vector<double>>& probabilities) {
  std::vector<torch::Tensor> rows;
  for (const auto& row : probabilities) rows.push_back(torch::tensor(row, torch::kDouble).log());
  return torch::stack(rows);
}
MixtureOfExperts transparent(double capacity) {
  MixtureOfExperts layer(MixtureOfExpertsOptions{.expert = {.d_model = 3, .width = 2},
                                                 .experts = 3,
                                                 .experts_per_token = 1,
                                                 .capacity = capacity});
  layer->to(torch::kDouble);
  const torch::NoGradGuard no_grad;
  layer->router->weight.copy_(torch::eye(3));
  return layer;
}
auto near_to(double value) { return DoubleNear(value, 1e-12); }
double entropy_of(const std::vector<double>& p) {
  double sum = 0;
  for (const double x : p) sum -= x * std::log(x);
  return sum;
}

TEST(ExpertStatisticsTest, ByHand) {
  auto layer = transparent(/*capacity=*/1.0);
  const std::vector<double> a = {0.5, 0.3, 0.2}, b = {0.6, 0.1, 0.3}, c = {0.1, 0.2, 0.7};
  ExpertStatistics statistics;
  layer(tokens_with({a, b, c}));  // room for one each: b's choice is dropped
  const auto layers = statistics.layers();
  ASSERT_EQ(layers.size(), 1U);
  EXPECT_EQ(layers[0].tokens, 3);
  EXPECT_THAT(layers[0].share, ElementsAre(near_to(2.0 / 3), near_to(0), near_to(1.0 / 3)));
  EXPECT_THAT(layers[0].dropped, ElementsAre(near_to(0.5), near_to(0), near_to(0)));
  EXPECT_THAT(layers[0].probability, ElementsAre(near_to(0.4), near_to(0.2), near_to(0.4)));
  EXPECT_NEAR(layers[0].entropy, (entropy_of(a) + entropy_of(b) + entropy_of(c)) / 3, 1e-12);
}

TEST(ExpertStatisticsTest, AreOverAllPassesAndWithoutPadding) {
  auto layer = transparent(0.0);
  const std::vector<double> a = {0.5, 0.3, 0.2}, c = {0.1, 0.2, 0.7};
  ExpertStatistics statistics;
  layer(tokens_with({a, a, a}));
  layer(tokens_with({c, a}), torch::tensor({true, false}));
  layer(tokens_with({c, a}), torch::tensor({false, false}));
  const ExpertLoad load = statistics.layers().at(0);
  EXPECT_EQ(load.tokens, 4);
  EXPECT_THAT(load.share, ElementsAre(near_to(0.75), near_to(0), near_to(0.25)));
  EXPECT_THAT(load.dropped, ElementsAre(0.0, 0.0, 0.0));
  EXPECT_THAT(load.probability, ElementsAre(near_to(0.4), near_to(0.275), near_to(0.325)));
  EXPECT_NEAR(load.entropy, (3 * entropy_of(a) + entropy_of(c)) / 4, 1e-12);
}

TEST(ExpertStatisticsTest, AreKeptByLayerInOrder) {
  auto first = transparent(0.0), second = transparent(0.0);
  const std::vector<double> a = {0.5, 0.3, 0.2}, c = {0.1, 0.2, 0.7};
  ExpertStatistics statistics;
  second(tokens_with({c}));
  first(tokens_with({a}));
  second(tokens_with({c}));
  const auto layers = statistics.layers();
  ASSERT_EQ(layers.size(), 2U);
  EXPECT_EQ(layers[0].tokens, 2);
  EXPECT_THAT(layers[0].share, ElementsAre(0.0, 0.0, 1.0));
  EXPECT_THAT(layers[1].share, ElementsAre(1.0, 0.0, 0.0));
}

TEST(ExpertStatisticsTest, MeansAreOverLayers) {
  auto even = transparent(0.0), uneven = transparent(/*capacity=*/1.0);
  const std::vector<double> a = {0.5, 0.3, 0.2}, b = {0.2, 0.5, 0.3}, c = {0.3, 0.2, 0.5};
  ExpertStatistics statistics;
  EXPECT_TRUE(statistics.means().empty());
  even(tokens_with({a, b, c}));
  uneven(tokens_with({a, a, a}));  // room for one of three
  const auto means = statistics.means();
  EXPECT_NEAR(means.at("expert_dropped"), (0 + 2.0 / 3) / 2, 1e-12);
  EXPECT_NEAR(means.at("expert_busiest"), (1.0 + 3.0) / 2, 1e-12);
  EXPECT_NEAR(means.at("router_entropy"), entropy_of(a), 1e-12);
}

TEST(ExpertStatisticsTest, BelongToTheNewestOfTheirThreadAndChangeNoOutput) {
  auto layer = transparent(0.0);
  const auto x = tokens_with({{0.5, 0.3, 0.2}});
  const auto before = layer(x);
  EXPECT_EQ(ExpertStatistics::current(), nullptr);
  ExpertStatistics outer;
  {
    ExpertStatistics inner;
    EXPECT_TRUE(torch::equal(layer(x), before));
    std::thread([&] { layer(x); }).join();
    EXPECT_EQ(inner.layers().at(0).tokens, 1);
  }
  EXPECT_EQ(ExpertStatistics::current(), &outer);
  EXPECT_TRUE(outer.layers().empty());
}

TEST(ExpertStatisticsTest, WithoutATokenAllIsZero) {
  auto layer = transparent(0.0);
  ExpertStatistics statistics;
  layer(torch::zeros({0, 3}, torch::kDouble));
  const ExpertLoad load = statistics.layers().at(0);
  EXPECT_EQ(load.tokens, 0);
  EXPECT_THAT(load.share, ElementsAre(0.0, 0.0, 0.0));
  EXPECT_THAT(load.probability, ElementsAre(0.0, 0.0, 0.0));
  EXPECT_EQ(load.entropy, 0.0);
}

}  // namespace
}  // namespace zoo
