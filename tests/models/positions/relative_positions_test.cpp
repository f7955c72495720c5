// Biases by distance, and scaled rotations, against the reference implementation's numbers and
// against what they are for. Numbers: transformers 5.23, modeling_bloom.build_alibi_tensor,
// T5Attention._relative_position_bucket, modeling_rope_utils.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "models/positions/alibi.h"
#include "models/positions/bucketed.h"
#include "models/positions/position_options.h"
#include "models/positions/rotary.h"
#include "tests/support/gradient_check.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using testing::torch_error_of;

torch::Tensor floats(const std::vector<double>& values) {
  return torch::tensor(values, torch::kDouble).to(torch::kFloat);
}
torch::Tensor integers(const std::vector<int64_t>& values) {
  return torch::tensor(values, torch::kLong);
}

TEST(AlibiTest, SlopesAreThoseOfThePaperAndOfItsCode) {
  EXPECT_TRUE(torch::equal(alibi_slopes(8), floats({0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625,
                                                    0.0078125, 0.00390625})));
  EXPECT_TRUE(torch::equal(alibi_slopes(1), floats({0.00390625})));
  EXPECT_TRUE(
      torch::allclose(alibi_slopes(6), floats({0.25, 0.0625, 0.015625, 0.00390625, 0.5, 0.125})));
  EXPECT_TRUE(torch::allclose(
      alibi_slopes(12), floats({0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625, 0.0078125, 0.00390625,
                                0.7071067691, 0.3535533845, 0.1767766774, 0.0883883387})));
  EXPECT_THAT(torch_error_of([] { alibi_slopes(0); }), HasSubstr("heads must be positive, got 0"));
}

TEST(AlibiTest, TheBiasIsTheSlopeTimesTheDistance) {
  const AlibiPosition position(2);
  const auto bias = position.relative_bias(2, 4, torch::kCPU);  // key - query: -3 .. 1
  EXPECT_TRUE(torch::equal(bias[0], floats({-3, -2, -1, 0, -1}) * 0.0625F));
  EXPECT_TRUE(torch::equal(bias[1], floats({-3, -2, -1, 0, -1}) * 0.00390625F));
  EXPECT_EQ(position.max_positions(), 0);
  EXPECT_TRUE(position.parameters().empty());
}

TEST(BucketedTest, BucketsAreThoseOfTheReference) {
  const auto distances =
      integers({-1000, -200, -129, -128, -127, -100, -64, -33, -32, -31, -20, -17, -16, -15, -9,
                -8,    -7,   -1,   0,    1,    7,    8,   9,   12,  16,  31,  64,  127, 128, 1000});
  EXPECT_TRUE(torch::equal(relative_buckets(distances, {.bidirectional = true}),
                           integers({15, 15, 15, 15, 15, 15, 14, 12, 12, 11, 10, 10, 10, 9,  8,
                                     8,  7,  1,  0,  17, 23, 24, 24, 25, 26, 27, 30, 31, 31, 31})));
  EXPECT_TRUE(torch::equal(relative_buckets(distances, {}),
                           integers({31, 31, 31, 31, 31, 30, 26, 21, 21, 21, 17, 16, 16, 15, 9,
                                     8,  7,  1,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0})));
  EXPECT_TRUE(torch::equal(relative_buckets(distances, {.buckets = 10, .max_distance = 50}),
                           integers({9, 9, 9, 9, 9, 9, 9, 9, 9, 8, 8, 7, 7, 7, 6,
                                     6, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})));
}

TEST(BucketedTest, EachHeadReadsItsColumnAndLearnsIt) {
  const BucketedPosition position(3, {.buckets = 4, .max_distance = 8, .bidirectional = true});
  const auto bias = position.relative_bias(2, 3, torch::kCPU);  // [3, 4]: key - query -2 .. 1
  ASSERT_EQ(bias.sizes(), (std::vector<int64_t>{3, 4}));
  const auto buckets = relative_buckets(integers({-2, -1, 0, 1}),
                                        {.buckets = 4, .max_distance = 8, .bidirectional = true});
  for (int64_t h = 0; h < 3; ++h)
    for (int64_t n = 0; n < 4; ++n)
      EXPECT_EQ(bias[h][n].item<float>(),
                position.table->weight[buckets[n].item<int64_t>()][h].item<float>());
  bias.sum().backward();
  EXPECT_EQ(position.table->weight.grad().sum().item<float>(), 12.0F);
  EXPECT_EQ(position.named_parameters().keys(), std::vector<std::string>{"relative_bias.weight"});
}

TEST(BucketedTest, RefusesBucketsThatCannotBe) {
  const auto refused = [](const RelativeBuckets& options) {
    return torch_error_of([&] { BucketedPosition(1, options); });
  };
  EXPECT_THAT(refused({.buckets = 1}), HasSubstr("buckets must be 2 or more, got 1"));
  EXPECT_THAT(refused({.buckets = 5, .bidirectional = true}), HasSubstr("even and 4 or more"));
  EXPECT_THAT(refused({.buckets = 32, .max_distance = 16}), HasSubstr("must be above 16"));
}

double largest_difference(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

TEST(RotaryScalingTest, YarnIsThatOfTheReference) {
  const RotaryOptions yarn{
      .base = 100.0, .scaling = RotaryScaling::kYarn, .factor = 4.0, .original_context = 64};
  EXPECT_LT(largest_difference(rotary_frequencies(16, yarn),
                               floats({1.0, 0.477990121, 0.221359432, 0.0978053659, 0.0399999991,
                                       0.0140585322, 0.00790569466, 0.00444569858})),
            1e-8);
  EXPECT_NEAR(rotary_attention_factor(yarn), 1.138629436, 1e-8);
  const RotaryOptions other{.base = 500.0,
                            .scaling = RotaryScaling::kYarn,
                            .factor = 8.0,
                            .low_frequency = 2.0,
                            .high_frequency = 6.0,
                            .original_context = 200,
                            .attention_factor = 1.5,
                            .whole_pairs = false};
  EXPECT_LT(largest_difference(rotary_frequencies(16, other),
                               floats({1.0, 0.459863275, 0.21147424, 0.0459896959, 0.00559017016,
                                       0.0025707141, 0.00118217699, 0.000543639821})),
            1e-8);
  EXPECT_EQ(rotary_attention_factor(other), 1.5);
  const RotaryPosition position(16, other);
  const auto x = torch::randn({1, 1, 3, 16});
  EXPECT_TRUE(
      torch::allclose(rotate(x, position.rotation(torch::arange(3).unsqueeze(0))).norm(2, -1),
                      x.norm(2, -1) * 1.5));
}

TEST(RotaryScalingTest, DynamicNtkFollowsTheLength) {
  const RotaryOptions dynamic{
      .base = 100.0, .scaling = RotaryScaling::kDynamic, .factor = 2.0, .original_context = 64};
  EXPECT_LT(largest_difference(rotary_frequencies(16, dynamic, 150),
                               floats({1.0, 0.466700524, 0.217809364, 0.101651751, 0.0474409238,
                                       0.0221407041, 0.010333078, 0.00482245255})),
            1e-8);
  const auto plain = rotary_frequencies(16, {.base = 100.0});
  EXPECT_TRUE(torch::equal(rotary_frequencies(16, dynamic, 64), plain));
  const RotaryPosition position(16, dynamic);
  EXPECT_TRUE(position.rotation_follows_length());
  // A row of a batch turns as it would alone, whatever the others' lengths.
  const auto ids = torch::arange(150).unsqueeze(0);
  const auto both = position.rotation(ids, integers({150, 20}));
  const auto alone = position.rotation(ids.narrow(1, 0, 20));
  EXPECT_TRUE(torch::equal(both.cos[0], position.rotation(ids).cos[0]));
  EXPECT_TRUE(torch::equal(both.cos[1].narrow(1, 0, 20), alone.cos[0]));
}

TEST(RotaryScalingTest, NtkKeepsTheFastestPairAndStretchesTheSlowest) {
  const auto plain = rotary_frequencies(16, {});
  const auto ntk = rotary_frequencies(16, {.scaling = RotaryScaling::kNtk, .factor = 4.0});
  EXPECT_EQ(ntk[0].item<float>(), plain[0].item<float>());
  EXPECT_NEAR((ntk[7] * 4 / plain[7]).item<double>(), 1.0, 1e-5);
}

TEST(RotaryPairsTest, NeighboursAreHalvesInAnotherOrder) {
  const auto x = torch::randn({2, 3, 5, 8}, torch::kDouble);
  const auto ids = torch::arange(5).unsqueeze(0);
  const auto halves = rotate(x, RotaryPosition(8).rotation(ids));
  // Coordinate i of halves is coordinate 2i of neighbours, i + 4 is 2i + 1.
  const auto order = integers({0, 4, 1, 5, 2, 6, 3, 7});
  const RotaryPosition neighbours(8, {.pairs = RotaryPairs::kNeighbours});
  EXPECT_TRUE(torch::allclose(rotate(x.index_select(-1, order), neighbours.rotation(ids)),
                              halves.index_select(-1, order), 1e-6, 1e-6));
}

TEST(RotaryShareTest, TheRestOfAHeadStaysAsItIs) {
  const auto x = torch::randn({1, 2, 4, 10});
  const auto ids = torch::arange(4).unsqueeze(0);
  for (const auto pairs : {RotaryPairs::kHalves, RotaryPairs::kNeighbours}) {
    const RotaryPosition part(10, {.share = 0.5, .pairs = pairs});  // 5 of 10: 4 rotate
    const auto y = rotate(x, part.rotation(ids));
    EXPECT_TRUE(torch::equal(y.narrow(-1, 4, 6), x.narrow(-1, 4, 6)));
    const auto first =
        rotate(x.narrow(-1, 0, 4), RotaryPosition(4, {.pairs = pairs}).rotation(ids));
    EXPECT_TRUE(torch::equal(y.narrow(-1, 0, 4), first));
  }
  EXPECT_EQ(rotary_width(80, {.share = 0.4}), 32);
  EXPECT_THAT(torch_error_of([] { RotaryPosition(4, {.share = 0.25}); }),
              HasSubstr("leaves no pair to rotate"));
}

TEST(PositionOptionsTest, SaysWhichOptionIsWrong) {
  const auto refusal = [](const PositionOptions& o, int64_t head_width = 8) {
    try {
      check(o, head_width, /*bidirectional=*/true);
    } catch (const std::exception& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  PositionOptions o;
  o.position = PositionKind::kRotary;
  o.rotary.share = 1.5;
  EXPECT_THAT(refusal(o), HasSubstr("rotary-share"));
  o.rotary.share = 0.1;
  EXPECT_THAT(refusal(o), HasSubstr("at least 0.25"));
  o.rotary = {.scaling = RotaryScaling::kYarn, .factor = 2.0};
  EXPECT_THAT(refusal(o), HasSubstr("rotary-original-context"));
  o.rotary.original_context = 16;
  EXPECT_EQ(refusal(o), "");
  o.rotary.low_frequency = 40.0;
  EXPECT_THAT(refusal(o), HasSubstr("rotary-high-frequency"));
  o.rotary = {.scaling = RotaryScaling::kDynamic, .factor = 0.5, .original_context = 16};
  EXPECT_THAT(refusal(o), HasSubstr("rotary-factor"));
  o = {.position = PositionKind::kBucketed, .relative = {.buckets = 7}};
  EXPECT_THAT(refusal(o), HasSubstr("relative-buckets"));
  o.relative = {.buckets = 32, .max_distance = 8};
  EXPECT_THAT(refusal(o), HasSubstr("relative-distance"));
}

}  // namespace
}  // namespace zoo
