// Dropout on attention weights: one stream for all kernels, the generator's published answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "models/attention/dropout_mask.h"
#include "tests/models/attention/attention_reference.h"
#include "tests/models/attention/kernel_support.h"

namespace zoo {
namespace {

using ::testing::ElementsAre;
using testing::random_case;

// Known answers of philox4x32 with ten rounds, published with Random123 (Salmon et al. 2011).
TEST(PhiloxTest, GivesThePublishedAnswers) {
  EXPECT_THAT(philox(0, {0, 0, 0, 0}), ElementsAre(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8));
  EXPECT_THAT(philox(UINT64_MAX, {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX}),
              ElementsAre(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd));
  EXPECT_THAT(philox(0x299f31d0a4093822, {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}),
              ElementsAre(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1));
}

TEST(DropoutMaskTest, HoldsTheWordsOfItsRows) {
  const auto keep = dropout_mask(0.5, 77, 2, 3, 5, 6, torch::kCPU);
  ASSERT_EQ(keep.sizes(), (std::vector<int64_t>{2, 3, 5, 6}));
  for (int64_t row = 0; row < 30; ++row) {
    for (uint32_t s = 0; s < 6; ++s) {
      const auto word = philox(77, {s / 4, static_cast<uint32_t>(row), 0, 0})[s % 4];
      EXPECT_EQ(keep.view({30, 6})[row][s].item<bool>(), word >= 0x80000000U);
    }
  }
}

TEST(DropoutMaskTest, TensorsGiveTheBitsOfTheLoop) {
  for (const uint64_t seed :
       {uint64_t{0}, uint64_t{77}, UINT64_MAX, uint64_t{0x299f31d0a4093822}}) {
    for (const double p : {0.0, 0.1, 0.5, 1.0}) {
      for (const int64_t S : {1, 4, 6, 33}) {
        const auto wanted = dropout_mask(p, seed, 2, 3, 5, S, torch::kCPU);
        for (const int64_t rows : {0, 1, 7, 30}) {
          EXPECT_TRUE(torch::equal(
              detail::dropout_mask_by_tensors(p, seed, 2, 3, 5, S, torch::kCPU, rows), wanted))
              << seed << " " << p << " " << S << " " << rows;
        }
      }
    }
  }
}

TEST(DropoutMaskTest, DropsTheGivenShare) {
  for (const double p : {0.0, 0.1, 0.5, 0.9}) {
    const auto keep = dropout_mask(p, 5, 4, 4, 50, 125, torch::kCPU);  // 100 000 weights
    const double spread = std::sqrt(p * (1 - p) / 100000);
    EXPECT_NEAR(keep.to(torch::kDouble).mean().item<double>(), 1 - p, 4 * spread) << p;
  }
}

TEST(DropoutMaskTest, DiffersFromSeedToSeed) {
  EXPECT_FALSE(torch::equal(dropout_mask(0.5, 1, 1, 2, 8, 8, torch::kCPU),
                            dropout_mask(0.5, 2, 1, 2, 8, 8, torch::kCPU)));
  EXPECT_FALSE(torch::equal(dropout_mask(0.5, 1, 1, 2, 8, 8, torch::kCPU),
                            dropout_mask(0.5, uint64_t{1} << 32, 1, 2, 8, 8, torch::kCPU)));
}

class AttendDropoutTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { torch::manual_seed(3); }
};

TEST_P(AttendDropoutTest, DropsTheWeightsOfTheMaskForwardAndBackward) {
  const AttendArgs args{.causal = true, .dropout = 0.3, .dropout_seed = 11};
  const auto c = random_case(2, 4, 2, 9, 9, 8, args);
  EXPECT_TRUE(testing::expect_as_exact_as_torch(GetParam(), c));
}

TEST_P(AttendDropoutTest, TheStreamDoesNotDependOnTheKernel) {
  const auto c = random_case(2, 2, 2, 9, 9, 8, {.dropout = 0.5});
  const auto run = [&](const std::string& kernel) {
    torch::manual_seed(7);
    const auto first = attend(kernel, c.q, c.k, c.v, c.args);
    const auto second = attend(kernel, c.q, c.k, c.v, c.args);
    return std::array{first, second, torch::rand({4})};
  };
  const auto wanted = run("matmul"), got = run(GetParam());
  EXPECT_TRUE(torch::allclose(got[0], wanted[0], 1e-4, 1e-5));
  EXPECT_TRUE(torch::allclose(got[1], wanted[1], 1e-4, 1e-5));
  EXPECT_TRUE(torch::equal(got[2], wanted[2])) << "the generator drew other numbers";
  EXPECT_FALSE(torch::allclose(got[0], got[1])) << "two calls drop the same weights";
}

TEST_P(AttendDropoutTest, WithoutDropoutNothingIsDrawn) {
  const auto c = random_case(2, 2, 2, 9, 9, 8);
  torch::manual_seed(7);
  const auto wanted = torch::rand({4});
  torch::manual_seed(7);
  attend(GetParam(), c.q, c.k, c.v, c.args);
  EXPECT_TRUE(torch::equal(torch::rand({4}), wanted));
}

TEST_P(AttendDropoutTest, KeepsTheExpectation) {
  auto c = random_case(1, 2, 2, 4, 32, 8, {.dropout = 0.3});
  auto sum = torch::zeros({1, 2, 4, 8}, torch::kDouble), squares = torch::zeros_like(sum);
  constexpr int kRuns = 1000;
  for (uint64_t seed = 0; seed < kRuns; ++seed) {
    c.args.dropout_seed = seed;
    const auto y = attend(GetParam(), c.q, c.k, c.v, c.args).to(torch::kDouble);
    sum += y;
    squares += y * y;
  }
  const auto mean = sum / kRuns;
  const auto spread = ((squares / kRuns - mean * mean) / kRuns).sqrt();
  c.args.dropout = 0;
  const auto off = ((mean - testing::reference(c).y) / spread).abs().max().item<double>();
  EXPECT_LT(off, 4.5) << "standard errors away from the output without dropout";
}

TEST_P(AttendDropoutTest, ProbabilityZeroIsNoDropout) {
  const AttendArgs args{.causal = true, .dropout = 0.0, .dropout_seed = 11};
  const auto c = random_case(2, 2, 2, 9, 9, 8, args);
  EXPECT_TRUE(torch::equal(attend(GetParam(), c.q, c.k, c.v, args),
                           attend(GetParam(), c.q, c.k, c.v, {.causal = true})));
}

TEST_P(AttendDropoutTest, ProbabilityOneDropsEverything) {
  const auto c = random_case(2, 4, 2, 9, 9, 8, {.dropout = 1.0, .dropout_seed = 11});
  const auto r = testing::run_kernel(GetParam(), c);
  for (const auto& t : {r.y, r.dq, r.dk, r.dv}) EXPECT_TRUE(t.eq(0).all().item<bool>());
}

INSTANTIATE_TEST_SUITE_P(Kernels, AttendDropoutTest,
                         ::testing::ValuesIn(testing::kernels_on_the_cpu()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace zoo
