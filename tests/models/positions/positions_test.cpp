// Position schemes against their formulas, and against what the formulas are for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "models/positions/learned.h"
#include "models/positions/rotary.h"
#include "models/positions/sinusoidal.h"
#include "tests/support/gradient_check.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using testing::torch_error_of;

double entry(const torch::Tensor& t, int64_t i, int64_t j) { return t[i][j].item<double>(); }

TEST(SinusoidalPositionTest, HoldsTheSinesAndCosinesOfThePaper) {
  const auto table = sinusoidal_table(5, 4);
  ASSERT_EQ(table.sizes(), (std::vector<int64_t>{5, 4}));
  const double wanted[5][4] = {{0, 1, 0, 1},
                               {0.8414710, 0.5403023, 0.0099998, 0.9999500},
                               {0.9092974, -0.4161468, 0.0199987, 0.9998000},
                               {0.1411200, -0.9899925, 0.0299955, 0.9995500},
                               {-0.7568025, -0.6536436, 0.0399893, 0.9992001}};
  for (int64_t p = 0; p < 5; ++p) {
    for (int64_t i = 0; i < 4; ++i) EXPECT_NEAR(entry(table, p, i), wanted[p][i], 1e-6);
  }
}

TEST(SinusoidalPositionTest, AStepIsTheSameRotationEverywhere) {
  // §3.5: PE(p + k) is a linear function of PE(p), whatever p.
  const int64_t C = 16, k = 7;
  const auto table = sinusoidal_table(200, C).to(torch::kDouble);
  for (int64_t i = 0; i < C / 2; ++i) {
    const double angle = k * std::pow(10000.0, -2.0 * static_cast<double>(i) / C);
    for (int64_t p = 0; p + k < 200; p += 31) {
      const double sin = entry(table, p, 2 * i), cos = entry(table, p, 2 * i + 1);
      EXPECT_NEAR(entry(table, p + k, 2 * i), sin * std::cos(angle) + cos * std::sin(angle), 1e-6);
      EXPECT_NEAR(entry(table, p + k, 2 * i + 1), cos * std::cos(angle) - sin * std::sin(angle),
                  1e-6);
    }
  }
}

TEST(SinusoidalPositionTest, IsAddedAtThePlacesOfTheTokens) {
  SinusoidalPosition position(6, 5);  // an odd width ends in a sine
  const auto x = torch::randn({2, 3, 5});
  const auto places = torch::tensor({{0, 1, 2}, {5, 3, 0}}, torch::kLong);
  const auto y = position.embed(x, places);
  EXPECT_TRUE(torch::equal(y[1][0], x[1][0] + position.table[5]));
  EXPECT_TRUE(torch::equal(y[0][2], x[0][2] + position.table[2]));
  EXPECT_EQ(position.max_positions(), 6);
  EXPECT_TRUE(position.parameters().empty());
}

TEST(LearnedPositionTest, AddsTheRowOfEachPlaceAndLearnsIt) {
  LearnedPosition position(6, 4);
  const auto x = torch::randn({2, 3, 4});
  const auto places = torch::tensor({{0, 1, 2}, {5, 3, 0}}, torch::kLong);
  const auto y = position.embed(x, places);
  EXPECT_TRUE(torch::equal(y[1][0], x[1][0] + position.table->weight[5]));
  EXPECT_EQ(position.max_positions(), 6);
  y.sum().backward();
  const auto uses = position.table->weight.grad().select(1, 0);
  EXPECT_TRUE(torch::equal(uses, torch::tensor({2.0F, 1.0F, 1.0F, 1.0F, 0.0F, 1.0F})));
}

TEST(PositionTest, NoneChangesNothing) {
  Position position;
  const auto x = torch::randn({2, 3, 4});
  const auto ids = torch::arange(3).unsqueeze(0);
  EXPECT_TRUE(position.embed(x, {}).is_same(x));
  EXPECT_FALSE(position.rotation(ids).defined());
  EXPECT_FALSE(position.rotation_follows_length());
  EXPECT_FALSE(position.relative_bias(3, 3, torch::kCPU).defined());
  EXPECT_EQ(position.max_positions(), 0);
}

class RotaryPositionTest : public ::testing::Test {
 protected:
  void SetUp() override { torch::manual_seed(4); }
  /// t [B, H, T, Dh] rotated at the position ids [B, T] or [1, T].
  static torch::Tensor turned(const RotaryPosition& position, const torch::Tensor& t,
                              const torch::Tensor& places) {
    return rotate(t, position.rotation(places));
  }
  static torch::Tensor place(int64_t p) { return torch::full({1, 1}, p, torch::kLong); }
};

TEST_F(RotaryPositionTest, TurnsEachPairByItsAngle) {
  RotaryPosition position(4);
  const auto x = torch::tensor({1.0, 2.0, 3.0, 4.0}, torch::kDouble).view({1, 1, 1, 4});
  const auto y = turned(position, x, place(3)).view({4});
  for (int64_t i = 0; i < 2; ++i) {  // coordinates i and i + 2 are a pair
    const double angle = 3.0 * std::pow(10000.0, -static_cast<double>(i) / 2.0);
    const double a = static_cast<double>(i) + 1.0, b = a + 2.0;
    EXPECT_NEAR(y[i].item<double>(), a * std::cos(angle) - b * std::sin(angle), 1e-6);
    EXPECT_NEAR(y[i + 2].item<double>(), b * std::cos(angle) + a * std::sin(angle), 1e-6);
  }
}

TEST_F(RotaryPositionTest, ScoresDependOnTheDistanceAlone) {
  RotaryPosition position(8);
  const auto q = torch::randn({1, 1, 1, 8}, torch::kDouble);
  const auto k = torch::randn({1, 1, 1, 8}, torch::kDouble);
  const auto score = [&](int64_t query_place, int64_t key_place) {
    const auto a = turned(position, q, place(query_place));
    return (a * turned(position, k, place(key_place))).sum().item<double>();
  };
  for (const int64_t shift : {1, 10, 500}) {
    EXPECT_NEAR(score(5 + shift, 2 + shift), score(5, 2), 1e-4);
    EXPECT_NEAR(score(2 + shift, 5 + shift), score(2, 5), 1e-4);
  }
  EXPECT_GT(std::abs(score(5, 2) - score(2, 5)), 1e-2);
}

TEST_F(RotaryPositionTest, KeepsLengthsAndLeavesTheFirstPlaceAlone) {
  RotaryPosition position(8);
  const auto x = torch::randn({2, 3, 5, 8}, torch::kDouble);
  const auto y = turned(position, x, torch::arange(5).unsqueeze(0));
  EXPECT_TRUE(torch::allclose(y.norm(2, -1), x.norm(2, -1), 1e-6, 1e-6));
  EXPECT_TRUE(torch::equal(y.select(2, 0), x.select(2, 0)));
  EXPECT_FALSE(torch::allclose(y.select(2, 1), x.select(2, 1)));
}

TEST_F(RotaryPositionTest, EachRowMayHavePlacesOfItsOwn) {
  RotaryPosition position(8);
  const auto x = torch::randn({2, 3, 2, 8});
  const auto both = turned(position, x, torch::tensor({{0, 1}, {7, 4}}, torch::kLong));
  const auto second = turned(position, x.narrow(0, 1, 1), torch::tensor({{7, 4}}, torch::kLong));
  EXPECT_TRUE(torch::equal(both.narrow(0, 1, 1), second));
  const auto wide = turned(position, x.to(torch::kDouble), torch::tensor({{7, 4}}, torch::kLong));
  EXPECT_EQ(wide.scalar_type(), torch::kDouble);
}

TEST_F(RotaryPositionTest, LinearScalingStretchesThePositions) {
  const auto plain = rotary_frequencies(8, {.base = 500.0});
  const auto scaled =
      rotary_frequencies(8, {.base = 500.0, .scaling = RotaryScaling::kLinear, .factor = 4.0});
  EXPECT_TRUE(torch::allclose(scaled * 4, plain));
  for (int64_t i = 0; i < 4; ++i)
    EXPECT_NEAR(plain[i].item<double>(), std::pow(500.0, -static_cast<double>(i) / 4), 1e-6);
}

TEST_F(RotaryPositionTest, Llama3ScalingKeepsShortWavesAndStretchesLongOnes) {
  const RotaryOptions options{.base = 500000.0,
                              .scaling = RotaryScaling::kLlama3,
                              .factor = 8.0,
                              .low_frequency = 1.0,
                              .high_frequency = 4.0,
                              .original_context = 8192};
  const auto scaled = rotary_frequencies(128, options);
  int kept = 0, blended = 0, stretched = 0;
  for (int64_t i = 0; i < 64; ++i) {
    const double plain = std::pow(500000.0, -static_cast<double>(i) / 64);
    const double wavelength = 2 * std::numbers::pi / plain;
    double wanted = plain;
    if (wavelength > 8192 / 1.0) {
      wanted = plain / 8;
      ++stretched;
    } else if (wavelength > 8192 / 4.0) {
      const double smooth = (8192 / wavelength - 1.0) / (4.0 - 1.0);
      wanted = (1 - smooth) * plain / 8 + smooth * plain;
      ++blended;
    } else {
      ++kept;
    }
    EXPECT_NEAR(scaled[i].item<double>() / wanted, 1.0, 1e-5) << i;
  }
  EXPECT_GT(kept, 0);
  EXPECT_GT(blended, 0);
  EXPECT_GT(stretched, 0);
}

TEST_F(RotaryPositionTest, RefusesOptionsThatMakeNoSense) {
  const auto refused = [](int64_t width, const RotaryOptions& options) {
    return torch_error_of([&] { RotaryPosition(width, options); });
  };
  EXPECT_THAT(refused(5, {}), HasSubstr("rotary positions: head width must be even, got 5"));
  EXPECT_THAT(refused(4, {.base = 0}), HasSubstr("base must be positive, got 0"));
  EXPECT_THAT(refused(4, {.scaling = RotaryScaling::kLinear, .factor = -1}),
              HasSubstr("factor must be positive, got -1"));
  EXPECT_THAT(refused(4, {.scaling = RotaryScaling::kLlama3}),
              HasSubstr("rotary scaling llama3: needs original_context > 0"));
  RotaryPosition position(4);
  EXPECT_THAT(torch_error_of([&] { position.rotation({}); }),
              HasSubstr("the position ids of the tokens are needed"));
}

}  // namespace
}  // namespace zoo
