// Patches, positions on a grid, stochastic depth and layer scale, against loops and formulas.
#include <ATen/ops/upsample_bicubic2d.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "models/layers/block.h"
#include "models/layers/drop_path.h"
#include "models/layers/patch_embedding.h"
#include "models/positions/grid.h"
#include "models/positions/rotary.h"
#include "tests/support/gradient_check.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using testing::torch_error_of;

bool near(const torch::Tensor& a, const torch::Tensor& b, double tolerance = 1e-5) {
  return torch::allclose(a, b, tolerance, tolerance);
}
torch::Tensor places(int64_t T) { return torch::arange(T, torch::kLong).unsqueeze(0); }

TEST(PatchEmbeddingTest, ProjectsEachFlattenedPatchRowByRow) {
  torch::manual_seed(5);
  const torch::NoGradGuard no_grad;
  for (const PatchMethod method : {PatchMethod::kConvolution, PatchMethod::kProduct}) {
    SCOPED_TRACE(name_of(method));
    PatchEmbedding embedding(PatchEmbeddingOptions{
        .channels = 2, .patch_height = 3, .patch_width = 2, .d_model = 7, .method = method});
    const auto image = torch::randn({1, 2, 7, 5});  // one row and one column of pixels left over
    const auto tokens = embedding(image);
    ASSERT_EQ(tokens.sizes(), (std::vector<int64_t>{1, 4, 7}));
    for (int64_t p = 0; p < 4; ++p) {
      const auto patch = image[0].narrow(1, 3 * (p / 2), 3).narrow(2, 2 * (p % 2), 2);
      const auto wanted = torch::mv(embedding->projection->weight.flatten(1), patch.reshape({12})) +
                          embedding->projection->bias;
      EXPECT_TRUE(near(tokens[0][p], wanted)) << p;
    }
  }
}

TEST(PatchEmbeddingTest, MayHaveNoBias) {
  const PatchEmbedding embedding(PatchEmbeddingOptions{.d_model = 7, .bias = false});
  EXPECT_EQ(embedding->parameters().size(), 1U);
  EXPECT_THAT(torch_error_of([] { PatchEmbedding(PatchEmbeddingOptions{}); }),
              HasSubstr("PatchEmbedding: channels, patch sizes and d_model must be positive"));
}

TEST(DropPathTest, DropsWholeSamplesAndKeepsTheMean) {
  torch::manual_seed(5);
  const auto branch = torch::rand({4000, 3, 2}) + 1;
  const auto result = drop_path(branch, 0.25);
  const auto ratio = (result / branch).flatten(1);  // [B, 6]
  const auto kept = ratio.select(1, 0);             // 0 or 4/3
  EXPECT_TRUE(near(ratio, kept.unsqueeze(1).expand_as(ratio)));
  EXPECT_TRUE(near(kept * (kept - 4.0 / 3.0), torch::zeros(4000)));
  EXPECT_NEAR(kept.mean().item<double>(), 1.0, 0.04);  // five deviations
  EXPECT_TRUE(torch::equal(drop_path(branch, 0.0), branch));
  EXPECT_THAT(torch_error_of([&] { drop_path(branch, 1.0); }), HasSubstr("must be in [0, 1)"));
}

BlockOptions vision_block() {
  return {.attention = {.d_model = 12, .heads = 3}, .feed_forward = {.d_model = 12, .width = 20}};
}

TEST(DropPathTest, ABlockLetsSamplesPassSubLayersInTrainingOnly) {
  torch::manual_seed(5);
  auto options = vision_block();
  options.drop_path = 0.5;
  Block block(options);
  const auto x = torch::randn({64, 5, 12});
  const auto unchanged = (block(x) == x).flatten(1).all(1).sum().item<int64_t>();
  EXPECT_GT(unchanged, 4);  // a quarter of the samples pass both by
  EXPECT_LT(unchanged, 32);
  block->eval();
  EXPECT_FALSE((block(x) == x).flatten(1).all(1).any().item<bool>());
}

TEST(LayerScaleTest, MultipliesWhatEachSubLayerAdds) {
  torch::manual_seed(5);
  auto options = vision_block();
  options.layer_scale = 0.125;
  Block block(options);
  EXPECT_TRUE(torch::equal(block->attention_scale, torch::full({12}, 0.125)));
  const torch::NoGradGuard no_grad;
  block->attention_scale.normal_();
  block->feed_forward_scale.normal_();
  const auto x = torch::randn({2, 5, 12});
  const auto h = x + block->attention_scale * block->attention(block->attention_norm(x));
  EXPECT_TRUE(near(
      block(x), h + block->feed_forward_scale * block->feed_forward(block->feed_forward_norm(h))));
}

TEST(GridPositionTest, LearnedPositionsAddARowOfTheTableAToken) {
  LearnedGridPosition position({2, 3}, 1, 4);
  const auto x = torch::randn({2, 7, 4});
  EXPECT_TRUE(torch::equal(position.embed(x, places(7)), x + position.table->weight));
}

TEST(GridPositionTest, Learned2dPositionsAddARowAndAColumn) {
  Learned2dPosition position({2, 3}, 1, 4);
  const auto added = position.embed(torch::zeros({1, 7, 4}), places(7))[0];
  EXPECT_TRUE(torch::equal(added[0], torch::zeros(4)));
  for (int64_t p = 0; p < 6; ++p) {
    EXPECT_TRUE(torch::equal(
        added[1 + p], position.row_table->weight[p / 3] + position.column_table->weight[p % 3]));
  }
}

TEST(GridPositionTest, SinusoidsOfTheRowThenOfTheColumn) {
  Sinusoidal2dPosition position({2, 3}, 1, 7);  // 4 columns of the stream for rows, 3 for columns
  const auto added = position.embed(torch::zeros({1, 7, 7}), places(7))[0];
  EXPECT_TRUE(torch::equal(added[0], torch::zeros(7)));
  for (int64_t p = 0; p < 6; ++p) {
    const double row = static_cast<double>(p / 3), column = static_cast<double>(p % 3);
    const auto wanted = torch::tensor(
        {std::sin(row), std::cos(row), std::sin(row / 100), std::cos(row / 100), std::sin(column),
         std::cos(column), std::sin(column / std::pow(10000.0, 2.0 / 3.0))},
        torch::kFloat);
    EXPECT_TRUE(near(added[1 + p], wanted)) << p;
  }
}

TEST(GridPositionTest, RotaryProductsDependOnTheDistanceInRowsAndColumnsAlone) {
  torch::manual_seed(5);
  for (const int64_t Dh : {4, 6, 7, 9}) {
    SCOPED_TRACE(Dh);
    Rotary2dPosition position({3, 4}, 0, Dh);
    auto q = torch::randn({1, 1, 1, Dh}).expand({1, 1, 12, Dh}).contiguous();
    auto k = torch::randn({1, 1, 1, Dh}).expand({1, 1, 12, Dh}).contiguous();
    const auto norms = q.norm(2, -1);
    q = rotate(q, position.rotation(places(12)));
    k = rotate(k, position.rotation(places(12)));
    EXPECT_TRUE(near(q.norm(2, -1), norms));
    const auto scores = torch::matmul(q, k.transpose(-1, -2))[0][0].view({3, 4, 3, 4});
    EXPECT_TRUE(near(scores[0][1][1][3], scores[1][0][2][2]));  // one down, two right
    EXPECT_TRUE(near(scores[2][2][1][0], scores[1][3][0][1]));  // one up, two left
    EXPECT_FALSE(near(scores[0][0][1][0], scores[0][0][0][1], 1e-3));
    EXPECT_FALSE(near(scores[0][0][1][0], scores[1][0][0][0], 1e-3));
  }
}

TEST(GridPositionTest, OnOneRowOfPatchesHalfOfTheHeadIsPlainRotary) {
  torch::manual_seed(5);
  Rotary2dPosition position({1, 5}, 0, 8, 10000.0);
  RotaryPosition plain(4, {});
  auto q = torch::randn({2, 3, 5, 8}), k = torch::randn({2, 3, 5, 8});
  const auto before = q.clone();
  // Pairs (i, i + 4): the rows' are 0 and 1, the columns' 2 and 3.
  const auto of_columns = [](const torch::Tensor& t) {
    return torch::cat({t.narrow(-1, 2, 2), t.narrow(-1, 6, 2)}, -1);
  };
  auto wanted_q = of_columns(q), wanted_k = of_columns(k);
  wanted_q = rotate(wanted_q, plain.rotation(places(5)));
  wanted_k = rotate(wanted_k, plain.rotation(places(5)));
  q = rotate(q, position.rotation(places(5)));
  k = rotate(k, position.rotation(places(5)));
  EXPECT_TRUE(near(of_columns(q), wanted_q));
  EXPECT_TRUE(near(of_columns(k), wanted_k));
  EXPECT_TRUE(near(q.narrow(-1, 0, 2), before.narrow(-1, 0, 2)));  // row 0 does not rotate
}

TEST(GridPositionTest, TheClassTokenIsNotRotated) {
  Rotary2dPosition position({2, 2}, 2, 8);
  const auto before = torch::randn({1, 1, 6, 8});
  const auto q = rotate(before, position.rotation(places(6)));
  EXPECT_TRUE(torch::equal(q.narrow(2, 0, 3), before.narrow(2, 0, 3)));  // nor does patch (0, 0)
  EXPECT_FALSE(near(q.select(2, 3), before.select(2, 3)));
}

TEST(InterpolationTest, KeepsThePrefixAndEqualsBicubicResizing) {
  torch::manual_seed(5);
  const auto table = torch::randn({2 + 12, 5});
  const auto larger = interpolate_positions(table, 2, {3, 4}, {5, 7});
  ASSERT_EQ(larger.sizes(), (std::vector<int64_t>{2 + 35, 5}));
  EXPECT_TRUE(torch::equal(larger.narrow(0, 0, 2), table.narrow(0, 0, 2)));
  const auto image = table.narrow(0, 2, 12).t().reshape({1, 5, 3, 4});
  const auto resized = at::upsample_bicubic2d(image, {5, 7}, false);
  for (int64_t row = 0; row < 5; ++row) {
    for (int64_t column = 0; column < 7; ++column)
      EXPECT_TRUE(near(larger[2 + 7 * row + column], resized[0].select(2, column).select(1, row)));
  }
  EXPECT_TRUE(torch::equal(interpolate_positions(table, 2, {3, 4}, {3, 4}), table));
}

TEST(InterpolationTest, ATableThatIsTheSameEverywhereStaysSo) {
  const auto table = torch::ones({12, 3});
  EXPECT_TRUE(near(interpolate_positions(table, 0, {3, 4}, {2, 9}), torch::ones({18, 3})));
}

TEST(InterpolationTest, GradientsReachTheTable) {
  LearnedGridPosition position({2, 2}, 1, 3);
  position.to(torch::kDouble);
  const auto x = torch::randn({2, 16, 3}, torch::kDouble);
  testing::expect_gradients_match_differences(
      [&] {
        return position.embed(x, places(16), {3, 5}).pow(3).sum();
      },
      position.parameters(), 15);
}

}  // namespace
}  // namespace zoo
