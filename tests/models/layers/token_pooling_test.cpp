// Pooling by hand: three tokens, one of them padding, and a prompt that takes no part.
#include "models/layers/token_pooling.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <limits>
#include <vector>

namespace zoo {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

torch::Tensor hidden() {
  return torch::tensor({{{3.0, 4.0}, {9.0, 0.0}, {kNan, kNan}}});  // [1, 3, 2]
}
torch::Tensor real() { return torch::tensor({{true, true, false}}); }

void expect_pooled(TokenPooling mode, const std::vector<double>& expected, int64_t skipped = 0) {
  const auto pooled = pool_tokens(hidden(), real(), std::vector{mode}, skipped);
  const auto wanted = torch::tensor(expected, pooled.options()).unsqueeze(0);
  EXPECT_TRUE(torch::allclose(pooled, wanted)) << name_of(mode) << ": " << pooled;
}

TEST(TokenPoolingTest, PaddingTakesNoPart) {
  expect_pooled(TokenPooling::kFirst, {3, 4});
  expect_pooled(TokenPooling::kMax, {9, 4});
  expect_pooled(TokenPooling::kMean, {6, 2});
  expect_pooled(TokenPooling::kMeanSqrtLength, {12 / std::sqrt(2.0), 4 / std::sqrt(2.0)});
  expect_pooled(TokenPooling::kWeightedMean, {(3 + 2 * 9) / 3.0, 4 / 3.0});
  expect_pooled(TokenPooling::kLast, {9, 0});
}

TEST(TokenPoolingTest, SkippedTokensTakeNoPartButKeepTheOthersPlaces) {
  for (const auto& [mode, name] : EnumNames<TokenPooling>::values) expect_pooled(mode, {9, 0}, 1);
}

TEST(TokenPoolingTest, SeveralModesStandBesideEachOther) {
  const std::vector modes{TokenPooling::kMean, TokenPooling::kFirst};
  EXPECT_TRUE(
      torch::allclose(pool_tokens(hidden(), real(), modes), torch::tensor({{6., 2., 3., 4.}})));
}

TEST(TokenPoolingTest, ARowWithoutRealTokensHasNoMean) {
  const auto none = torch::zeros({1, 3}, torch::kBool);
  const std::vector modes{TokenPooling::kMean, TokenPooling::kWeightedMean, TokenPooling::kLast};
  EXPECT_TRUE(pool_tokens(hidden(), none, modes).eq(0).all().item<bool>());
}

}  // namespace
}  // namespace zoo
