#include "infer/decode/sampling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <vector>

#include "app/files.h"

namespace zoo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

torch::Tensor row(const std::vector<float>& logits) { return torch::tensor(logits).unsqueeze(0); }

/// Logits of given probabilities.
torch::Tensor row_of_probabilities(const std::vector<float>& p) { return row(p).log(); }

std::vector<int64_t> kept(const torch::Tensor& logits) {
  std::vector<int64_t> ids;
  for (int64_t id = 0; id < logits.size(1); ++id) {
    if (std::isfinite(logits[0][id].item<float>())) ids.push_back(id);
  }
  return ids;
}

TEST(SamplingTest, TemperatureDividesTheDistancesBetweenLogits) {
  const auto half = scale_by_temperature(row({1, 3, 2}), 0.5);
  EXPECT_TRUE(half.equal(row({-4, 0, -2})));
}

TEST(SamplingTest, ATemperatureNearZeroLeavesTheMostLikelyTokenAndNoNan) {
  for (const double temperature : {1e-3, 1e-20, 1e-300}) {
    const auto p = scale_by_temperature(row({1, 3, 2, 3.5}), temperature).softmax(-1);
    EXPECT_TRUE(p.allclose(row({0, 0, 0, 1}))) << temperature;
  }
}

TEST(SamplingTest, TopKKeepsTheKMostLikelyAndThoseAsLikelyAsTheLastOfThem) {
  EXPECT_THAT(kept(keep_top_k(row({1, 5, 3, 4}), 2)), ElementsAre(1, 3));
  EXPECT_THAT(kept(keep_top_k(row({1, 5, 4, 4}), 2)), ElementsAre(1, 2, 3));
  EXPECT_THAT(kept(keep_top_k(row({1, 5}), 1000)), ElementsAre(0, 1));
}

TEST(SamplingTest, TopPKeepsTheSmallestSetWithThatProbability) {
  const auto logits = row_of_probabilities({0.125F, 0.5F, 0.25F, 0.125F});
  EXPECT_THAT(kept(keep_top_p(logits, 0.4)), ElementsAre(1));
  EXPECT_THAT(kept(keep_top_p(logits, 0.6)), ElementsAre(1, 2));
  EXPECT_THAT(kept(keep_top_p(logits, 0.99)), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(kept(keep_top_p(logits, 1e-9)), ElementsAre(1));
}

TEST(SamplingTest, MinPKeepsTokensWithThatShareOfTheBest) {
  const auto logits = row_of_probabilities({0.04F, 0.5F, 0.3F, 0.16F});
  EXPECT_THAT(kept(keep_min_p(logits, 0.3)), ElementsAre(1, 2, 3));
  EXPECT_THAT(kept(keep_min_p(logits, 0.5)), ElementsAre(1, 2));
  EXPECT_THAT(kept(keep_min_p(logits, 1.0)), ElementsAre(1));
}

TEST(SamplingTest, RepetitionPenaltyDividesPositiveLogitsAndMultipliesNegativeOnes) {
  const auto seen = torch::tensor({true, true, false, false}).unsqueeze(0);
  const auto penalised = penalise_repetition(row({4, -4, 4, -4}), seen, 2.0);
  EXPECT_TRUE(penalised.equal(row({2, -8, 4, -4})));
}

TEST(SamplingTest, FiltersWorkOnEachRowByItself) {
  const auto logits = torch::cat({row({1, 5, 3, 4}), row({9, 0, 8, 7})});
  const auto filtered = keep_top_p(keep_top_k(logits, 3), 0.9);
  for (const int64_t b : {0, 1}) {
    const auto alone = keep_top_p(keep_top_k(logits.narrow(0, b, 1), 3), 0.9);
    EXPECT_TRUE(filtered.narrow(0, b, 1).equal(alone));
  }
}

// Golden: kept tokens and their probabilities after the reference's processors, in its order.
TEST(SamplingTest, FiltersKeepWhatTransformersKeeps) {
  const auto golden = nlohmann::json::parse(read_file("tests/golden/sampling_filters.json"));
  ASSERT_GE(golden.at("cases").size(), 12U);
  const auto to_tensor = [](const nlohmann::json& values) {
    return torch::tensor(values.get<std::vector<float>>());
  };
  for (const auto& example : golden.at("cases")) {
    SamplingOptions options;
    visit(options, [&](std::string_view name, auto& field, const std::string&) {
      field = example.at("options").value(std::string(name), field);
    });
    const auto logits =
        to_tensor(golden.at("logits")).view({-1, golden.at("vocab").get<int64_t>()});
    auto seen = torch::zeros(logits.sizes(), torch::kBool);
    for (int64_t b = 0; b < logits.size(0); ++b) {
      const auto ids =
          golden.at("input_ids").at(static_cast<size_t>(b)).get<std::vector<int64_t>>();
      seen[b].index_fill_(0, torch::tensor(ids), true);
    }
    const auto ours = filter_logits(logits, seen, options).softmax(-1);
    const auto theirs = to_tensor(example.at("probabilities")).view(ours.sizes());
    EXPECT_TRUE(ours.gt(0).equal(theirs.gt(0))) << example.at("options");
    EXPECT_TRUE(ours.allclose(theirs, 1e-5, 1e-7)) << example.at("options");
  }
}

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
  EXPECT_THAT(message({.repetition_penalty = 0}), HasSubstr("repetition-penalty must be positive"));
  EXPECT_EQ(message({}), "accepted");
}

}  // namespace
}  // namespace zoo
