// What the kernels in plain C++ promise beyond attend's contract: tiles of every size, every
// instruction set, the same bits on any number of threads, NaN that is not lost.
#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/autograd.h>

#include <limits>

#include "models/attention/kernels/flash_tiles.h"
#include "models/simd/parallel.h"
#include "tests/models/attention/attention_reference.h"
#include "tests/support/gradient_check.h"

namespace zoo {
namespace {

using testing::AttendCase;
using testing::expect_as_exact_as_torch;
using testing::ids;
using testing::random_case;

void expect_exact(const std::string& kernel, const AttendCase& c) {
  EXPECT_TRUE(expect_as_exact_as_torch(kernel, c)) << testing::refusal(kernel, c);
}

class LadderTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { torch::manual_seed(3); }
};

TEST_P(LadderTest, LengthsAroundEveryTileEdge) {
  for (const int64_t T : {1, 15, 16, 17, 63, 64, 65, 127, 130}) {
    for (const int64_t S : {1, 16, 63, 64, 65, 129, 200}) {
      SCOPED_TRACE(std::to_string(T) + " queries, " + std::to_string(S) + " keys");
      expect_exact(GetParam(), random_case(1, 2, 1, T, S, 8));
      expect_exact(GetParam(), random_case(1, 2, 1, T, S, 8, {.causal = true}));
    }
  }
}

TEST_P(LadderTest, HeadsOfAnyWidth) {
  for (const int64_t Dh : {1, 2, 3, 7, 15, 16, 17, 31, 33, 40, 64, 65, 100, 128, 130}) {
    SCOPED_TRACE(Dh);
    expect_exact(GetParam(), random_case(1, 2, 2, 70, 70, Dh, {.causal = true}));
  }
}

TEST_P(LadderTest, WindowsCrossTiles) {
  for (const int64_t window : {1, 2, 15, 16, 17, 63, 64, 65, 100, 500}) {
    SCOPED_TRACE(window);
    expect_exact(GetParam(), random_case(1, 2, 2, 150, 150, 4, {.causal = true, .window = window}));
    expect_exact(GetParam(), random_case(1, 2, 2, 150, 170, 4, {.window = window}));
  }
}

TEST_P(LadderTest, LengthsAndStartsInsideTiles) {
  expect_exact(GetParam(), random_case(4, 2, 1, 70, 140, 8,
                                       {.causal = true,
                                        .query_start = ids({0, 70, 33, 90}),
                                        .key_lengths = ids({140, 65, 1, 0})}));
}

TEST_P(LadderTest, DropoutMasksAndBiasesInsideTiles) {
  AttendArgs args{.causal = true,
                  .may_attend = torch::rand({1, 2, 100, 100}) < 0.6,
                  .bias = torch::randn({2, 1, 1, 100}),
                  .relative_bias = torch::randn({2, 199}),
                  .dropout = 0.3,
                  .dropout_seed = 5};
  expect_exact(GetParam(), random_case(2, 2, 1, 100, 100, 12, args));
}

TEST_P(LadderTest, TheLowestNumberAsABiasHidesNothingWhereAllAreAsLow) {
  const auto lowest = torch::full({1, 1, 1, 5}, std::numeric_limits<float>::lowest());
  const auto c = random_case(1, 1, 1, 3, 5, 4, {.bias = lowest});
  const auto mean = c.v.mean(2, true).expand({1, 1, 3, 4});
  EXPECT_TRUE(torch::allclose(attend(GetParam(), c.q, c.k, c.v, c.args), mean, 1e-5, 1e-6));
}

TEST_P(LadderTest, ARowFarBelowZeroKeepsItsGradients) {
  // As with an additive mask of -1e9: the logarithm of a sum is lost beside it.
  for (const float low : {-1e9F, std::numeric_limits<float>::lowest()}) {
    SCOPED_TRACE(low);
    auto c = random_case(1, 1, 1, 2, 40, 4, {.bias = torch::full({1, 40}, low)});
    c.upstream.fill_(1);
    const auto got = testing::run_kernel(GetParam(), c);
    EXPECT_TRUE(torch::allclose(got.dv, torch::full_like(got.dv, 2.0 / 40), 1e-5, 1e-6)) << got.dv;
  }
}

TEST_P(LadderTest, AHiddenBiasMayBeNan) {
  auto bias = torch::zeros({70, 70});
  bias.masked_fill_(torch::ones({70, 70}, torch::kBool).triu(1),
                    std::numeric_limits<float>::quiet_NaN());
  const auto c = random_case(1, 1, 1, 70, 70, 4, {.causal = true, .bias = bias});
  EXPECT_FALSE(attend(GetParam(), c.q, c.k, c.v, c.args).isnan().any().item<bool>());
}

TEST_P(LadderTest, ExtremeStartsDoNotOverflow) {
  for (const int64_t start :
       {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()}) {
    const auto c = random_case(1, 1, 1, 3, 5, 4, {.window = 2, .query_start = ids({start})});
    EXPECT_TRUE(attend(GetParam(), c.q, c.k, c.v, c.args).eq(0).all().item<bool>()) << start;
  }
}

TEST_P(LadderTest, ChangesBetweenForwardAndBackwardAreHarmlessOrReported) {
  const auto gradient = [&](const auto& change) {
    torch::manual_seed(7);
    auto c =
        random_case(2, 1, 1, 5, 9, 4, {.key_lengths = ids({9, 4}), .bias = torch::randn({5, 9})});
    const auto v = c.v.clone().requires_grad_(true);
    const auto y = attend(GetParam(), c.q, c.k, v, c.args);
    change(c);
    y.backward(c.upstream);
    return v.grad();
  };
  const auto wanted = gradient([](AttendCase&) {});
  EXPECT_TRUE(torch::equal(gradient([](AttendCase& c) { c.args.key_lengths.sub_(3); }), wanted));
  EXPECT_THROW(gradient([](AttendCase& c) { c.args.bias.zero_(); }), c10::Error);
}

TEST_P(LadderTest, SecondDerivativesAreRefused) {
  const auto c = random_case(1, 1, 1, 3, 3, 4);
  const auto q = c.q.clone().requires_grad_(true);
  const auto y = attend(GetParam(), q, c.k, c.v, c.args);
  try {
    torch::autograd::grad({y.pow(2).sum()}, {q}, {}, std::nullopt, /*create_graph=*/true);
    FAIL();
  } catch (const c10::Error& error) {
    EXPECT_NE(std::string(error.what()).find("'matmul'"), std::string::npos) << error.what();
  }
}

TEST_P(LadderTest, TheOutputMayBeChangedInPlace) {
  const auto c = random_case(1, 2, 2, 3, 3, 4);
  const auto q = c.q.clone().requires_grad_(true);
  const auto y = attend(GetParam(), q, c.k, c.v, c.args);
  EXPECT_NO_THROW(y.mul_(2));
}

TEST_P(LadderTest, NanReachesTheOutput) {
  auto c = random_case(1, 1, 1, 70, 70, 8);
  c.q[0][0][66].fill_(std::numeric_limits<float>::quiet_NaN());
  const auto y = attend(GetParam(), c.q, c.k, c.v, c.args);
  EXPECT_TRUE(y.select(2, 66).isnan().all().item<bool>());
  EXPECT_FALSE(y.narrow(2, 0, 66).isnan().any().item<bool>());
}

TEST_P(LadderTest, ThreadsDoNotChangeTheBits) {
  const auto c = random_case(1, 4, 2, 200, 200, 24, {.causal = true});
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const auto one = testing::run_kernel(GetParam(), c);
  for (const int threads : {2, 3}) {
    at::set_num_threads(threads);
    const auto several = testing::run_kernel(GetParam(), c);
    EXPECT_TRUE(torch::equal(one.y, several.y)) << threads;
    EXPECT_TRUE(torch::equal(one.dq, several.dq)) << threads;
    EXPECT_TRUE(torch::equal(one.dk, several.dk)) << threads;
    EXPECT_TRUE(torch::equal(one.dv, several.dv)) << threads;
  }
  at::set_num_threads(before);
}

TEST_P(LadderTest, HalfPrecisionIsComputedInFloat32) {
  const auto c = random_case(1, 2, 2, 33, 33, 8, {.causal = true});
  const auto half = [](const torch::Tensor& t) { return t.to(torch::kBFloat16); };
  const auto y = attend(GetParam(), half(c.q), half(c.k), half(c.v), c.args);
  EXPECT_EQ(y.scalar_type(), torch::kBFloat16);
  EXPECT_TRUE(
      torch::allclose(y.to(torch::kFloat), attend("matmul", c.q, c.k, c.v, c.args), 0.05, 0.05));
}

INSTANTIATE_TEST_SUITE_P(Kernels, LadderTest, ::testing::Values("blocked", "online", "flash"),
                         [](const auto& info) { return info.param; });

TEST(LadderTypesTest, EightBitNumbersAreConvertedAndBack) {
  const auto t = torch::randn({1, 2, 5, 8}).to(torch::kFloat8_e4m3fn);
  for (const char* kernel : {"loops", "blocked", "online", "flash"}) {
    const auto y = attend(kernel, t, t, t, {.causal = true});
    EXPECT_EQ(y.scalar_type(), torch::kFloat8_e4m3fn) << kernel;
    const auto floats = t.to(torch::kFloat);
    const auto wanted =
        attend(kernel, floats, floats, floats, {.causal = true}).to(y.scalar_type());
    EXPECT_TRUE(y.to(torch::kFloat).equal(wanted.to(torch::kFloat))) << kernel;
  }
}

TEST(MatmulTest, SecondDerivativesMatchDifferencesOfTheFirst) {
  torch::manual_seed(8);
  const auto inputs = random_case(1, 2, 1, 4, 5, 3, {.causal = true, .bias = torch::randn({4, 5})});
  auto args = inputs.args;
  args.bias = args.bias.to(torch::kDouble);
  const auto k = inputs.k.to(torch::kDouble), v = inputs.v.to(torch::kDouble);
  auto q = inputs.q.to(torch::kDouble).requires_grad_(true);
  const auto first = [&] {
    const torch::AutoGradMode gradients(true);  // the differences are taken without gradients
    const auto y = attend("matmul", q, k, v, args);
    return torch::autograd::grad({y.pow(2).sum()}, {q}, {}, std::nullopt, /*create_graph=*/true)[0]
        .pow(2)
        .sum();
  };
  testing::expect_gradients_match_differences(first, {q}, 12);
}

TEST(DecodeTest, ChunksOfALongCacheAreMerged) {
  torch::manual_seed(5);
  for (const int64_t S : {1, 511, 512, 513, 1500}) {
    for (const int64_t T : {1, 3, 16, 17}) {
      SCOPED_TRACE(std::to_string(T) + " queries, " + std::to_string(S) + " keys");
      expect_exact("decode", random_case(2, 4, 2, T, S, 20, {.causal = true}));
      expect_exact("decode", random_case(2, 4, 1, T, S, 33,
                                         {.causal = true,
                                          .window = 600,
                                          .query_start = ids({S / 2, S - T}),
                                          .key_lengths = ids({S / 2 + T, S})}));
    }
  }
  expect_exact("decode", random_case(1, 4, 2, 2, 1100, 8,
                                     {.may_attend = torch::rand({1, 4, 2, 1100}) < 0.5,
                                      .bias = torch::randn({1100}),
                                      .relative_bias = torch::randn({4, 1101}),
                                      .dropout = 0.2,
                                      .dropout_seed = 9}));
  auto c = random_case(1, 1, 1, 1, 600, 4);
  c.k[0][0][3].fill_(std::numeric_limits<float>::quiet_NaN());
  EXPECT_TRUE(attend("decode", c.q, c.k, c.v, c.args).isnan().all().item<bool>());
}

TEST(FlashTest, EveryInstructionSetIsAsExact) {
  torch::manual_seed(4);
  const std::string best = flash::instruction_set();
  ASSERT_FALSE(flash::instruction_sets().empty());
  for (const std::string& name : flash::instruction_sets()) {
    SCOPED_TRACE(name);
    flash::use_instruction_set(name);
    EXPECT_EQ(flash::instruction_set(), name);
    expect_exact("flash", random_case(2, 4, 2, 100, 130, 20, {.causal = true, .window = 90}));
    expect_exact("flash", random_case(1, 2, 2, 65, 65, 64));
    expect_exact("decode", random_case(1, 4, 2, 3, 700, 21));
    expect_exact("flash",
                 random_case(1, 1, 1, 3, 17, 5,
                             {.bias = torch::randn({3, 17}), .dropout = 0.5, .dropout_seed = 1}));
  }
  EXPECT_THROW(flash::use_instruction_set("abacus"), std::invalid_argument);
  flash::use_instruction_set(best);
}

TEST(FlashTest, Float64IsRefused) {
  const auto c = random_case(1, 1, 1, 2, 2, 2);
  try {
    attend("flash", c.q.to(torch::kDouble), c.k.to(torch::kDouble), c.v.to(torch::kDouble));
    FAIL();
  } catch (const c10::Error& error) {
    EXPECT_NE(std::string(error.what()).find("'matmul'"), std::string::npos) << error.what();
  }
}

TEST(ParallelTest, EveryTaskRunsOnceAndErrorsComeBack) {
  std::vector<std::atomic<int>> runs(1000);
  for_each_task(1000, [&](int64_t n) { ++runs[static_cast<size_t>(n)]; });
  for (const auto& count : runs) EXPECT_EQ(count, 1);
  EXPECT_THROW(for_each_task(50,
                             [](int64_t n) {
                               if (n == 7) throw std::runtime_error("seven");
                             }),
               std::runtime_error);
  for_each_task(0, [](int64_t) { FAIL(); });
}

}  // namespace
}  // namespace zoo
