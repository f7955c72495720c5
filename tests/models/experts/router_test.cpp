// The router's choices and weights: by hand, against topk(), under ties, and its losses.
#include "models/experts/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "models/experts/routing_losses.h"
#include "tests/support/gradient_check.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;

torch::Tensor random_logits(int64_t N, int64_t E) {
  torch::manual_seed(11);
  return torch::randn({N, E}, torch::kDouble) * 2;
}
torch::Tensor log_of(std::initializer_list<double> probabilities) {
  return torch::tensor(std::vector<double>(probabilities), torch::kDouble).log().unsqueeze(0);
}
void expect_values(const torch::Tensor& t, std::vector<double> wanted) {
  EXPECT_TRUE(torch::allclose(t.flatten().to(torch::kDouble), torch::tensor(wanted, torch::kDouble),
                              1e-12, 1e-12))
      << t;
}

TEST(RouterTest, ByHand) {
  const auto logits = log_of({0.2, 0.5, 0.3});
  const Routing mixtral = route(logits, 2, RouterScore::kSoftmax, true);
  expect_values(mixtral.probabilities, {0.2, 0.5, 0.3});
  EXPECT_TRUE(torch::equal(mixtral.chosen, torch::tensor({{1, 2}}, torch::kLong)));
  expect_values(mixtral.weights, {0.625, 0.375});
  expect_values(route(logits, 2, RouterScore::kSoftmax, false).weights, {0.5, 0.3});
  expect_values(route(logits, 1, RouterScore::kSoftmax, true).weights, {1.0});
  // sigmoid(log q) = q / (1 + q): 1/6, 1/3, 3/13.
  const Routing sigmoid = route(logits, 2, RouterScore::kSigmoid, false);
  expect_values(sigmoid.weights, {1.0 / 3, 3.0 / 13});
  const double sum = 1.0 / 6 + 1.0 / 3 + 3.0 / 13;
  expect_values(sigmoid.probabilities, {1.0 / 6 / sum, 1.0 / 3 / sum, 3.0 / 13 / sum});
  const double chosen_sum = 1.0 / 3 + 3.0 / 13;
  expect_values(route(logits, 2, RouterScore::kSigmoid, true).weights,
                {1.0 / 3 / chosen_sum, 3.0 / 13 / chosen_sum});
}

TEST(RouterTest, ChoosesAsTopkWhereNoScoresAreEqual) {
  for (const auto& [N, E, K] : {std::tuple<int64_t, int64_t, int64_t>{33, 8, 2},
                                {17, 5, 5},
                                {1, 1, 1},
                                {7, 64, 6},
                                {0, 4, 2}}) {
    const auto logits = random_logits(N, E);
    const Routing routing = route(logits, K, RouterScore::kSoftmax, false);
    const auto [weights, chosen] = torch::softmax(logits, -1).topk(K, -1);
    EXPECT_TRUE(torch::equal(routing.chosen, chosen)) << N << " " << E << " " << K;
    EXPECT_TRUE(torch::equal(routing.weights, weights)) << N << " " << E << " " << K;
  }
}

TEST(RouterTest, OfEqualScoresTheLowerNumberComesFirst) {
  const auto equal = route(torch::zeros({300, 130}), 3, RouterScore::kSoftmax, true);
  EXPECT_TRUE(torch::equal(equal.chosen, torch::tensor({0, 1, 2}, torch::kLong).expand({300, 3})));
  const auto some = torch::tensor({{1.0, 3.0, 2.0, 3.0, 2.0}, {0.0, 0.0, 0.0, 0.0, 9.0}});
  for (const RouterScore score : {RouterScore::kSoftmax, RouterScore::kSigmoid}) {
    EXPECT_TRUE(torch::equal(route(some, 4, score, true).chosen,
                             torch::tensor({{1, 3, 2, 4}, {4, 0, 1, 2}}, torch::kLong)));
  }
}

TEST(RouterTest, LargeAndHalfPrecisionLogitsGiveFiniteWeightsInFloat32) {
  const auto large = torch::tensor({{3000.0F, 2999.0F, -3000.0F}, {-3000.0F, -3000.0F, -3000.0F}});
  for (const RouterScore score : {RouterScore::kSoftmax, RouterScore::kSigmoid}) {
    for (const auto type : {torch::kFloat, torch::kBFloat16}) {
      const Routing routing = route(large.to(type), 2, score, true);
      EXPECT_EQ(routing.weights.scalar_type(), torch::kFloat);
      EXPECT_TRUE(routing.weights.isfinite().all().item<bool>());
      EXPECT_TRUE(routing.probabilities.isfinite().all().item<bool>());
    }
  }
}

TEST(RouterTest, GradientsOfTheWeightsMatchDifferences) {
  for (const RouterScore score : {RouterScore::kSoftmax, RouterScore::kSigmoid}) {
    for (const bool renormalise : {false, true}) {
      auto logits = random_logits(5, 4).requires_grad_(true);
      const auto factors = torch::arange(10, torch::kDouble).view({5, 2});
      testing::expect_gradients_match_differences(
          [&] { return (route(logits, 2, score, renormalise).weights * factors).sum(); }, {logits});
    }
  }
}

TEST(RouterTest, NeedsAtLeastAsManyExpertsAsATokenPasses) {
  EXPECT_THAT(testing::torch_error_of([] {
                route(torch::zeros({2, 3}), 4, RouterScore::kSoftmax, true);
              }),
              HasSubstr("route: logits must be [N, E] with E of at least K = 4, got [2, 3]"));
}

TEST(LoadBalancingLossTest, ByHand) {
  // Two tokens, both of which choose expert 0: f = (1, 0), P = (0.75, 0.25).
  const auto logits = torch::tensor({{0.9, 0.1}, {0.6, 0.4}}, torch::kDouble).log();
  expect_values(load_balancing_loss(route(logits, 1, RouterScore::kSoftmax, false)), {2 * 0.75});
  // Both experts for each token: f = (1/2, 1/2).
  expect_values(load_balancing_loss(route(logits, 2, RouterScore::kSoftmax, true)), {1.0});
}

TEST(LoadBalancingLossTest, IsOneWhereTheRouterIsEvenAndAtMostTheNumberOfExperts) {
  const auto turns = torch::eye(4, torch::kDouble).repeat({3, 1}) * 1e-9;  // each expert 3 times
  const auto even = load_balancing_loss(route(turns, 1, RouterScore::kSoftmax, false));
  EXPECT_NEAR(even.item<double>(), 1.0, 1e-8);
  const auto one = torch::tensor({50.0, 0.0, 0.0, 0.0}, torch::kDouble).expand({7, 4});
  const auto worst = load_balancing_loss(route(one, 1, RouterScore::kSoftmax, false));
  EXPECT_NEAR(worst.item<double>(), 4.0, 1e-8);
}

TEST(LoadBalancingLossTest, GradientsGoThroughTheProbabilities) {
  for (const RouterScore score : {RouterScore::kSoftmax, RouterScore::kSigmoid}) {
    auto logits = random_logits(6, 3).requires_grad_(true);
    testing::expect_gradients_match_differences(
        [&] { return load_balancing_loss(route(logits, 2, score, true)); }, {logits});
  }
}

TEST(RouterZLossTest, ByHandAndItsGradient) {
  const auto logits = torch::tensor({{std::log(1.0), std::log(3.0)}, {0.0, 0.0}}, torch::kDouble);
  const double first = std::log(4.0), second = std::log(2.0);
  expect_values(router_z_loss(route(logits, 1, RouterScore::kSoftmax, false)),
                {(first * first + second * second) / 2});
  auto random = random_logits(6, 3).requires_grad_(true);
  testing::expect_gradients_match_differences(
      [&] { return router_z_loss(route(random, 2, RouterScore::kSoftmax, true)); }, {random});
}

TEST(RoutingLossesTest, AreZeroWithoutTokens) {
  const Routing none = route(torch::zeros({0, 3}), 2, RouterScore::kSoftmax, true);
  EXPECT_EQ(load_balancing_loss(none).item<float>(), 0.0F);
  EXPECT_EQ(router_z_loss(none).item<float>(), 0.0F);
}

}  // namespace
}  // namespace zoo
