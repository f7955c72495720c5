// Random features against exact attention: equal in expectation, nearer with more features.
#include "models/mixers/performer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "models/attention/attend.h"

namespace zoo {
namespace {

class PerformerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    torch::manual_seed(6);
    for (auto* t : {&q, &k, &v}) *t = torch::randn({2, 3, 40, 8}, torch::kDouble);
    // The variance of the features grows with exp(|q + k|^2): trained attention is harder than
    // this.
    q *= 0.5;
    k *= 0.5;
  }
  /// Mean relative error over draws of the directions.
  double error(int64_t features, bool causal, int draws = 12) const {
    const auto exact = attend("matmul", q, k, v, {.causal = causal});
    double sum = 0;
    for (int n = 0; n < draws; ++n) {
      const auto y = favor_attention(q, k, v, orthogonal_directions(features, 8), causal);
      sum += ((y - exact).norm() / exact.norm()).item<double>();
    }
    return sum / draws;
  }
  torch::Tensor q, k, v;
};

TEST_F(PerformerTest, DirectionsAreOrthogonalInBlocksAndAsLongAsNormalOnes) {
  const auto w = orthogonal_directions(20, 8).to(torch::kDouble);
  ASSERT_EQ(w.sizes(), (std::vector<int64_t>{20, 8}));
  for (const auto& [row, rows] : {std::pair<int64_t, int64_t>{0, 8}, {8, 8}, {16, 4}}) {
    const auto block = w.narrow(0, row, rows);
    const auto products = torch::matmul(block, block.transpose(0, 1));
    EXPECT_LT((products - products.diagonal().diag()).abs().max().item<double>(), 1e-5);
  }
  const auto many = orthogonal_directions(4000, 8).square().sum(1);
  EXPECT_NEAR(many.mean().item<double>(), 8.0, 0.3);  // chi squared with 8 degrees of freedom:
  EXPECT_NEAR(many.var().item<double>(), 16.0, 2.0);  // mean 8, variance 16
}

TEST_F(PerformerTest, TheErrorFallsWithTheNumberOfFeatures) {
  for (const bool causal : {false, true}) {
    const double few = error(16, causal), more = error(128, causal), many = error(1024, causal);
    // Eight times the features: the error over 2.8, up to noise.
    EXPECT_LT(more, 0.6 * few);
    EXPECT_LT(many, 0.6 * more);
    EXPECT_LT(many, 0.1);
  }
}

TEST_F(PerformerTest, OrthogonalDirectionsAreBetterThanIndependentOnes) {
  const auto exact = attend("matmul", q, k, v);
  double orthogonal = 0, independent = 0;
  for (int n = 0; n < 60; ++n) {
    orthogonal += (favor_attention(q, k, v, orthogonal_directions(32, 8), false) - exact)
                      .norm()
                      .item<double>();
    independent +=
        (favor_attention(q, k, v, torch::randn({32, 8}), false) - exact).norm().item<double>();
  }
  EXPECT_LT(orthogonal, independent);
}

TEST_F(PerformerTest, TheCausalFormIsTheTriangleOfTheWeights) {
  const auto w = orthogonal_directions(10, 8);
  const auto phi_q = favor_exponents(q, w).exp(), phi_k = favor_exponents(k, w).exp();
  auto weights = torch::matmul(phi_q, phi_k.transpose(-2, -1)).tril();
  weights = weights / weights.sum(-1, true);
  for (const int64_t chunk : {1, 7, 64}) {
    EXPECT_TRUE(torch::allclose(favor_attention(q, k, v, w, true, {}, chunk),
                                torch::matmul(weights, v), 1e-10, 1e-10));
  }
}

TEST_F(PerformerTest, LongTextsAreComputedInParts) {
  const auto normal = [] { return torch::randn({1, 4, 2500, 4}, torch::kDouble); };
  const auto q_ = normal(), k_ = normal(), v_ = normal(), w = orthogonal_directions(6, 4);
  const auto lengths = torch::tensor({2300}, torch::kLong);
  const auto phi_k = favor_exponents(k_, w).exp().narrow(2, 0, 2300);
  const auto phi_q = favor_exponents(q_, w).exp().narrow(2, 0, 2300);
  for (const bool causal : {false, true}) {
    auto weights = torch::matmul(phi_q, phi_k.transpose(-2, -1));
    if (causal) weights = weights.tril();
    weights = weights / weights.sum(-1, true);
    const auto y = favor_attention(q_, k_, v_, w, causal, lengths).narrow(2, 0, 2300);
    EXPECT_TRUE(torch::allclose(y, torch::matmul(weights, v_.narrow(2, 0, 2300)), 1e-9, 1e-9));
  }
}

TEST_F(PerformerTest, LargeKeysNeitherOverflowNorLoseTheOthers) {
  // Exponents of the last key reach some 200, and exp(200) is beyond float32.
  auto large = k.clone();
  large.select(2, 39).mul_(24);
  const auto w = orthogonal_directions(64, 8) * 8;
  for (const bool causal : {false, true}) {
    const auto wanted = favor_attention(q, large, v, w, causal);
    const auto y = favor_attention(q.to(torch::kFloat), large.to(torch::kFloat),
                                   v.to(torch::kFloat), w, causal);
    EXPECT_TRUE(torch::allclose(y.to(torch::kDouble), wanted, 1e-3, 1e-3)) << causal;
  }
}

TEST_F(PerformerTest, TheDefaultNumberOfFeaturesIsThePapers) {
  const PerformerMixer layer({.d_model = 64, .heads = 4});
  EXPECT_EQ(layer.options.features, 45);  // 16 ln 16 = 44.4
  EXPECT_EQ(layer.directions.sizes(), (std::vector<int64_t>{45, 16}));
}

}  // namespace
}  // namespace zoo
