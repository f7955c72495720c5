#include "infer/decode/filters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/files.h"
#include "infer/decode/processors.h"
#include "tests/infer/decode/logits_row.h"

namespace zoo {
namespace {

using ::testing::ElementsAre;
using testing::row;
using testing::row_of_probabilities;

std::vector<int64_t> kept(const torch::Tensor& logits) {
  std::vector<int64_t> ids;
  for (int64_t id = 0; id < logits.size(1); ++id) {
    if (std::isfinite(logits[0][id].item<float>())) ids.push_back(id);
  }
  return ids;
}

TEST(FiltersTest, TemperatureDividesTheDistancesBetweenLogits) {
  const auto half = scale_by_temperature(row({1, 3, 2}), 0.5);
  EXPECT_TRUE(half.equal(row({-4, 0, -2})));
}

TEST(FiltersTest, ATemperatureNearZeroLeavesTheMostLikelyTokenAndNoNan) {
  for (const double temperature : {1e-3, 1e-20, 1e-300}) {
    const auto p = scale_by_temperature(row({1, 3, 2, 3.5}), temperature).softmax(-1);
    EXPECT_TRUE(p.allclose(row({0, 0, 0, 1}))) << temperature;
  }
}

TEST(FiltersTest, TopKKeepsTheKMostLikelyAndThoseAsLikelyAsTheLastOfThem) {
  EXPECT_THAT(kept(keep_top_k(row({1, 5, 3, 4}), 2)), ElementsAre(1, 3));
  EXPECT_THAT(kept(keep_top_k(row({1, 5, 4, 4}), 2)), ElementsAre(1, 2, 3));
  EXPECT_THAT(kept(keep_top_k(row({1, 5}), 1000)), ElementsAre(0, 1));
}

TEST(FiltersTest, TopPKeepsTheSmallestSetWithThatProbability) {
  const auto logits = row_of_probabilities({0.125F, 0.5F, 0.25F, 0.125F});
  EXPECT_THAT(kept(keep_top_p(logits, 0.4)), ElementsAre(1));
  EXPECT_THAT(kept(keep_top_p(logits, 0.6)), ElementsAre(1, 2));
  EXPECT_THAT(kept(keep_top_p(logits, 0.99)), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(kept(keep_top_p(logits, 1e-9)), ElementsAre(1));
}

TEST(FiltersTest, MinPKeepsTokensWithThatShareOfTheBest) {
  const auto logits = row_of_probabilities({0.04F, 0.5F, 0.3F, 0.16F});
  EXPECT_THAT(kept(keep_min_p(logits, 0.3)), ElementsAre(1, 2, 3));
  EXPECT_THAT(kept(keep_min_p(logits, 0.5)), ElementsAre(1, 2));
  EXPECT_THAT(kept(keep_min_p(logits, 1.0)), ElementsAre(1));
}

TEST(FiltersTest, TopAKeepsTokensFromAShareOfTheBestOnesSquare) {
  const auto sharp = row_of_probabilities({0.04F, 0.8F, 0.12F, 0.04F});
  EXPECT_THAT(kept(keep_top_a(sharp, 0.1)), ElementsAre(1, 2));  // from 0.064
  const auto flat = row_of_probabilities({0.25F, 0.4F, 0.31F, 0.04F});
  EXPECT_THAT(kept(keep_top_a(flat, 0.1)), ElementsAre(0, 1, 2, 3));  // from 0.016
  EXPECT_THAT(kept(keep_top_a(flat, 1.0)), ElementsAre(0, 1, 2));     // from 0.16
}

// Entropy 1.177 nats; the surprises 0.693, 1.386, 1.661 and 2.813 lie 0.484, 0.209, 0.483 and 1.636
// away from it.
TEST(FiltersTest, TypicalKeepsTokensWhoseSurpriseIsNearTheEntropy) {
  const auto logits = row_of_probabilities({0.5F, 0.25F, 0.19F, 0.06F});
  EXPECT_THAT(kept(keep_typical(logits, 0.2)), ElementsAre(1));
  EXPECT_THAT(kept(keep_typical(logits, 0.4)), ElementsAre(1, 2));
  EXPECT_THAT(kept(keep_typical(logits, 0.6)), ElementsAre(0, 1, 2));
  EXPECT_THAT(kept(keep_typical(logits, 0.99)), ElementsAre(0, 1, 2, 3));
  // Two tokens that are equally far away stay together.
  EXPECT_THAT(kept(keep_typical(row_of_probabilities({0.25F, 0.25F, 0.5F}), 0.1)),
              ElementsAre(0, 1, 2));
}

TEST(FiltersTest, TypicalMayRemoveTheMostLikelyToken) {
  // 0.4 and twenty times 0.03: the many are what a typical text has.
  std::vector<float> p(21, 0.03F);
  p[0] = 0.4F;
  const auto ids = kept(keep_typical(row_of_probabilities(p), 0.5));
  EXPECT_EQ(ids.size(), 20U);
  EXPECT_EQ(ids.front(), 1);
}

TEST(FiltersTest, EpsilonKeepsTokensWithThatProbabilityAndTheBest) {
  const auto logits = row_of_probabilities({0.04F, 0.5F, 0.3F, 0.16F});
  EXPECT_THAT(kept(keep_above_epsilon(logits, 0.1)), ElementsAre(1, 2, 3));
  EXPECT_THAT(kept(keep_above_epsilon(logits, 0.9)), ElementsAre(1));
}

// Flat: entropy ln 4, so the bound falls from 0.3 to sqrt(0.3) / 4 = 0.137.
TEST(FiltersTest, EtaLowersItsBoundWhereAllTokensAreUnlikely) {
  const auto flat = row_of_probabilities({0.25F, 0.25F, 0.25F, 0.25F});
  EXPECT_THAT(kept(keep_above_eta(flat, 0.3)), ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(kept(keep_above_epsilon(flat, 0.3)).size(), 4U);  // all are the best
  const auto sharp = row_of_probabilities({0.97F, 0.01F, 0.01F, 0.01F});
  EXPECT_THAT(kept(keep_above_eta(sharp, 0.005)), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(kept(keep_above_eta(sharp, 0.02)), ElementsAre(0));
}

TEST(FiltersTest, FiltersWorkOnEachRowByItself) {
  const auto logits = torch::cat({row({1, 5, 3, 4}), row({9, 0, 8, 7})});
  const auto filtered = keep_top_p(keep_top_k(logits, 3), 0.9);
  for (const int64_t b : {0, 1}) {
    const auto alone = keep_top_p(keep_top_k(logits.narrow(0, b, 1), 3), 0.9);
    EXPECT_TRUE(filtered.narrow(0, b, 1).equal(alone));
  }
}

DecodeOptions filters_of(const nlohmann::json& named) {
  DecodeOptions options;
  const auto set = [&](std::string_view name, auto& field, const std::string&) {
    if constexpr (std::is_same_v<decltype(field), double&> ||
                  std::is_same_v<decltype(field), int64_t&>)
      field = named.value(std::string(name), field);
  };
  visit(options.sampling, set);
  visit(options.processors, set);
  return options;
}

// Golden: kept tokens and their probabilities after the reference's processors, in its order.
TEST(FiltersTest, FiltersKeepWhatTransformersKeeps) {
  const auto golden = nlohmann::json::parse(read_file("tests/golden/sampling_filters.json"));
  ASSERT_GE(golden.at("cases").size(), 20U);
  const auto to_tensor = [](const nlohmann::json& values) {
    return torch::tensor(values.get<std::vector<float>>());
  };
  for (const auto& example : golden.at("cases")) {
    const auto options = filters_of(example.at("options"));
    const auto logits =
        to_tensor(golden.at("logits")).view({-1, golden.at("vocab").get<int64_t>()});
    std::vector<RowTokens> rows;
    for (const auto& ids : golden.at("input_ids")) rows.push_back({.all = ids});
    const auto processed = process(logits, rows, logits_processors(options));
    const auto ours = filter_logits(processed, options.sampling).softmax(-1);
    const auto theirs = to_tensor(example.at("probabilities")).view(ours.sizes());
    EXPECT_TRUE(ours.gt(0).equal(theirs.gt(0))) << example.at("options");
    EXPECT_TRUE(ours.allclose(theirs, 1e-5, 1e-7)) << example.at("options");
  }
}

}  // namespace
}  // namespace zoo
