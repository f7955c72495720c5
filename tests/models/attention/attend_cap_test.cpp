// Capped scores: cap tanh(score / cap).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/models/attention/attention_reference.h"
#include "tests/models/attention/kernel_support.h"
#include "tests/support/gradient_check.h"

namespace zoo {
namespace {

using testing::random_case;

class AttendCapTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { torch::manual_seed(31); }
};

// Scores far above the cap and far below it; whole tiles, parts of tiles and single queries.
TEST_P(AttendCapTest, IsExactForScoresOfAnySize) {
  for (const double scale : {1e-4, 0.3, 40.0}) {
    for (const double cap : {0.1, 5.0, 50.0}) {
      for (const int64_t T : {1, 5, 70}) {
        SCOPED_TRACE(::testing::Message() << "scale " << scale << " cap " << cap << " T " << T);
        auto c = random_case(1, 4, 2, T, 70, 5, {.causal = true, .scale = scale, .score_cap = cap});
        c.args.relative_bias = torch::randn({4, T + 69});
        testing::expect_as_exact_as_torch(GetParam(), c);
      }
    }
  }
}

TEST_P(AttendCapTest, AHugeCapChangesNothing) {
  auto c = random_case(2, 2, 1, 66, 66, 8, {.causal = true});
  const auto plain = testing::run_kernel(GetParam(), c);
  c.args.score_cap = 1e6;
  const auto capped = testing::run_kernel(GetParam(), c);
  EXPECT_TRUE(torch::allclose(capped.y, plain.y, 1e-4, 1e-5));
  EXPECT_TRUE(torch::allclose(capped.dq, plain.dq, 1e-4, 1e-5));
  EXPECT_TRUE(torch::allclose(capped.dk, plain.dk, 1e-4, 1e-5));
}

// Scores lie between -cap and cap, so no weight is more than exp(2 cap) times another.
TEST_P(AttendCapTest, BoundsTheRatioOfWeights) {
  constexpr double kCap = 0.5;
  auto c = random_case(1, 1, 1, 30, 30, 4, {.scale = 50.0, .score_cap = kCap});
  c.v = torch::eye(30).view({1, 1, 30, 30});  // the output is the weights
  c.q = torch::randn({1, 1, 30, 30}), c.k = torch::randn({1, 1, 30, 30});
  const auto weights = attend(GetParam(), c.q, c.k, c.v, c.args);
  const auto ratio = weights.amax(-1) / weights.amin(-1);
  EXPECT_LE(ratio.max().item<double>(), std::exp(2 * kCap) * (1 + 1e-5));
  EXPECT_GE(ratio.min().item<double>(), std::exp(2 * kCap) * 0.9);  // and most reach the bounds
}

TEST(AttendCapErrorsTest, ACapIsANumber) {
  const auto q = torch::zeros({1, 1, 2, 3});
  for (const double cap : {-1.0, std::nan(""), HUGE_VAL}) {
    EXPECT_THAT(testing::torch_error_of([&] { attend("loops", q, q, q, {.score_cap = cap}); }),
                ::testing::HasSubstr("score_cap must be 0 (none) or a positive number"));
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, AttendCapTest, ::testing::ValuesIn(testing::kernels_on_the_cpu()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace zoo
