#include "infer/decode/sampling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include "tests/infer/decode/logits_row.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using testing::row;
using testing::row_of_probabilities;

TEST(SamplingTest, DrawsTheTokenAtWhichTheSumOfProbabilitiesPassesTheNumber) {
  const auto logits = row_of_probabilities({0.25F, 0.5F, 0.25F}).repeat({4, 1});
  const auto numbers = torch::tensor({0.0, 0.3, 0.7, 0.8}, torch::kDouble);
  EXPECT_TRUE(draw_tokens(logits, numbers).equal(torch::tensor({0, 1, 1, 2}, torch::kLong)));
}

TEST(SamplingTest, NeverDrawsARemovedToken) {
  const float removed = -std::numeric_limits<float>::infinity();
  const auto logits = row({removed, 1, removed, 2, removed});
  EXPECT_EQ(draw_tokens(logits, torch::tensor({0.0}, torch::kDouble)).item<int64_t>(), 1);
  EXPECT_EQ(draw_tokens(logits, torch::tensor({1 - 0x1p-53}, torch::kDouble)).item<int64_t>(), 3);
}

TEST(SamplingTest, DrawsAsOftenAsTheProbabilitiesSay) {
  const std::vector<double> p = {0.05, 0.4, 0.15, 0.1, 0.3};
  constexpr int64_t kDraws = 20'000;
  std::vector<double> numbers;
  for (uint64_t i = 0; i < kDraws; ++i) numbers.push_back(uniform_number(7, i % 100, i / 100));
  const auto logits = torch::tensor(p).log().unsqueeze(0).expand({kDraws, -1});
  const auto counts = draw_tokens(logits, torch::tensor(numbers, torch::kDouble)).bincount({}, 5);
  double chi_squared = 0;
  for (int64_t id = 0; id < 5; ++id) {
    const double expected = p[static_cast<size_t>(id)] * kDraws;
    chi_squared += std::pow(counts[id].item<double>() - expected, 2) / expected;
  }
  EXPECT_LT(chi_squared, 18.5);  // four degrees of freedom: passed once in a thousand seeds
}

TEST(SamplingTest, NumbersDifferBySeedStreamAndStepAndLieBelowOne) {
  const double number = uniform_number(1, 2, 3);
  EXPECT_EQ(number, uniform_number(1, 2, 3));
  EXPECT_NE(number, uniform_number(2, 2, 3));
  EXPECT_NE(number, uniform_number(1, 3, 3));
  EXPECT_NE(number, uniform_number(1, 2, 4));
  EXPECT_NE(number, uniform_number(1, 2, 3 + (uint64_t{1} << 32)));
  for (uint64_t i = 0; i < 1000; ++i) {
    EXPECT_GE(uniform_number(i, 0, 0), 0.0);
    EXPECT_LT(uniform_number(i, 0, 0), 1.0);
  }
}

TEST(SamplingTest, RefusesValuesThatMeanNothing) {
  const auto message = [](SamplingOptions options) -> std::string {
    try {
      check(options);
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "accepted";
  };
  const double nan = std::nan("");
  EXPECT_THAT(message({.temperature = -1}),
              HasSubstr("temperature must be 0 (the most likely token) or positive, got -1"));
  EXPECT_THAT(message({.temperature = nan}), HasSubstr("temperature"));
  EXPECT_THAT(message({.temperature = INFINITY}), HasSubstr("temperature"));
  EXPECT_THAT(message({.top_k = -1}),
              HasSubstr("top-k must be 0 (all tokens) or positive, got -1"));
  EXPECT_THAT(message({.top_p = 0}), HasSubstr("top-p must be above 0 and at most 1, got 0"));
  EXPECT_THAT(message({.top_p = 1.01}), HasSubstr("top-p"));
  EXPECT_THAT(message({.top_p = nan}), HasSubstr("top-p"));
  EXPECT_THAT(message({.min_p = 2}), HasSubstr("min-p must be between 0 and 1, got 2"));
  EXPECT_THAT(message({.top_a = -1}), HasSubstr("top-a must be between 0 and 1, got -1"));
  EXPECT_THAT(message({.typical_p = 0}), HasSubstr("typical-p must be above 0 and at most 1"));
  EXPECT_THAT(message({.epsilon_cutoff = 1}),
              HasSubstr("epsilon-cutoff must be at least 0 and below 1, got 1"));
  EXPECT_THAT(message({.eta_cutoff = nan}), HasSubstr("eta-cutoff"));
  EXPECT_EQ(message({}), "accepted");
}

}  // namespace
}  // namespace zoo
