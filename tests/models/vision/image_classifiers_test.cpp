// What a ViT is measured against: residual networks, compact transformers, a linear model.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "models/vision/cct.h"
#include "models/vision/cnn.h"
#include "models/vision/linear_classifier.h"
#include "tests/models/parameters.h"
#include "tests/support/gradient_check.h"
#include "tests/support/refusal.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using testing::parameter_count;
using testing::torch_error_of;

CctOptions tiny_cct() {
  CctOptions o;
  o.classes = 5;
  o.image_size = 7;
  o.image_width = 10;
  o.channels = 3;
  o.d_model = 15;
  o.heads = 3;
  o.attention_dropout = o.drop_path = 0.0;
  o.init_std = 0.3;
  return o;
}
CnnOptions tiny_cnn() {
  return {.classes = 5, .image_size = 7, .image_width = 10, .channels = 3, .blocks = 2, .width = 6};
}
LinearClassifierOptions tiny_linear() {
  return {.classes = 5, .image_size = 7, .image_width = 10, .channels = 3};
}

using Maker = std::shared_ptr<ImageClassifier> (*)();
class ImageClassifierTest : public ::testing::TestWithParam<Maker> {
 protected:
  ImageClassifierTest() {
    torch::manual_seed(8);
    model = GetParam()();
    const torch::NoGradGuard no_grad;
    for (auto& p : model->parameters()) p.add_(torch::randn_like(p), 0.1);
    model->eval();
  }
  std::shared_ptr<ImageClassifier> model;
};

TEST_P(ImageClassifierTest, ABatchEqualsItsRowsOneByOne) {
  const torch::NoGradGuard no_grad;
  const auto batch = torch::randn({3, 3, 7, 10}), together = model->forward(batch);
  ASSERT_EQ(together.sizes(), (std::vector<int64_t>{3, 5}));
  for (int64_t b = 0; b < 3; ++b) {
    EXPECT_TRUE(torch::allclose(together.narrow(0, b, 1), model->forward(batch.narrow(0, b, 1)),
                                1e-4, 1e-5));
  }
}

TEST_P(ImageClassifierTest, EveryPixelReachesTheScores) {
  const auto image = torch::randn({1, 3, 7, 10}, torch::requires_grad());
  model->forward(image).square().sum().backward();
  EXPECT_TRUE(image.grad().abs().amax({0, 1}).gt(0).all().item<bool>());
}

TEST_P(ImageClassifierTest, GradientsMatchFiniteDifferences) {
  model->to(torch::kDouble);
  const auto batch = torch::randn({2, 3, 7, 10}, torch::kDouble);
  testing::expect_gradients_match_differences([&] { return model->forward(batch).pow(3).mean(); },
                                              model->parameters(), 4, 1e-5);
}

TEST_P(ImageClassifierTest, TellsItsSizesAndRefusesOthers) {
  EXPECT_EQ(model->classes(), 5);
  EXPECT_EQ(model->channels(), 3);
  EXPECT_EQ(model->image_height(), 7);
  EXPECT_EQ(model->image_width(), 10);
  EXPECT_THAT(torch_error_of([&] {
                model->forward(torch::randn({2, 3, 10, 7}));
              }),
              HasSubstr("pixels must be [B, 3, 7, 10], got [2, 3, 10, 7]"));
}

INSTANTIATE_TEST_SUITE_P(
    Models, ImageClassifierTest,
    ::testing::Values<Maker>(
        +[]() -> std::shared_ptr<ImageClassifier> { return Cct(tiny_cct()).ptr(); },
        +[]() -> std::shared_ptr<ImageClassifier> { return Cnn(tiny_cnn()).ptr(); },
        +[]() -> std::shared_ptr<ImageClassifier> {
          return LinearClassifier(tiny_linear()).ptr();
        }));

TEST(CnnTest, HasThePublishedNumberOfParameters) {
  EXPECT_NEAR(static_cast<double>(parameter_count(*Cnn(CnnOptions::resnet20()))), 0.27e6, 0.005e6);
  EXPECT_NEAR(static_cast<double>(parameter_count(*Cnn(CnnOptions::resnet56()))), 0.85e6, 0.01e6);
  EXPECT_THAT([] { CnnOptions::preset("resnet9"); },
              ::testing::ThrowsMessage<std::invalid_argument>(
                  HasSubstr("unknown preset 'resnet9'; known are: resnet8, resnet20, resnet56")));
}

TEST(CnnTest, ABlockAddsItsInputOrAProjectionOfIt) {
  torch::manual_seed(8);
  ResidualBlock same(6, 6, 1), half(6, 12, 2);
  EXPECT_FALSE(same->shortcut);
  const torch::NoGradGuard no_grad;
  const auto x = torch::randn({2, 6, 5, 7});
  same->norm2->weight.zero_();  // nothing passes the convolutions
  EXPECT_TRUE(torch::allclose(same(x), torch::relu(x)));
  half->norm2->weight.zero_();
  EXPECT_TRUE(torch::allclose(half(x), torch::relu(half->shortcut(x))));
  EXPECT_EQ(half(x).sizes(), (std::vector<int64_t>{2, 12, 3, 4}));
}

TEST(CctTest, HasThePublishedNumberOfParameters) {
  EXPECT_NEAR(static_cast<double>(parameter_count(*Cct(CctOptions::cct_2_3x2()))), 0.28e6, 0.01e6);
  EXPECT_NEAR(static_cast<double>(parameter_count(*Cct(CctOptions::cct_7_3x1()))), 3.76e6, 0.02e6);
}

TEST(CctTest, TheTokenizerHalvesTheImageWithEachConvolution) {
  const auto grid = [](int64_t size, int64_t convolutions) {
    CctOptions o;
    o.image_size = size;
    o.convolutions = convolutions;
    return grid_of(o);
  };
  EXPECT_EQ(grid(32, 1), (Grid{16, 16}));
  EXPECT_EQ(grid(28, 2), (Grid{7, 7}));
  EXPECT_EQ(grid(7, 2), (Grid{2, 2}));
  EXPECT_EQ(grid(1, 3), (Grid{1, 1}));
  Cct cct(tiny_cct());
  EXPECT_EQ(cct->embed(torch::randn({2, 3, 7, 10})).sizes(), (std::vector<int64_t>{2, 6, 15}));
}

TEST(CctTest, PoolsWithWeightsThatSumToOne) {
  torch::manual_seed(8);
  Cct cct(tiny_cct());
  const torch::NoGradGuard no_grad;
  const auto hidden = torch::randn({2, 6, 15});
  const auto scores = cct->pooling(hidden).squeeze(-1);  // [B, T]
  const auto weights = scores.exp() / scores.exp().sum(1, true);
  EXPECT_TRUE(
      torch::allclose(cct->pool(hidden), (weights.unsqueeze(-1) * hidden).sum(1), 1e-4, 1e-6));
  cct->pooling->weight.zero_();
  EXPECT_TRUE(torch::allclose(cct->pool(hidden), hidden.mean(1), 1e-4, 1e-6));
}

TEST(CctTest, EveryPositionSchemeWorks) {
  for (const auto& [kind, name] : EnumNames<GridPositionKind>::values) {
    auto options = tiny_cct();
    options.position = kind;
    EXPECT_EQ(Cct(options)(torch::randn({2, 3, 7, 10})).sizes(), (std::vector<int64_t>{2, 5}))
        << name;
  }
}

TEST(ImageOptionsTest, AreChecked) {
  using testing::refusal;
  const auto nothing = [](auto&) {};
  EXPECT_EQ(refusal(tiny_cct(), nothing), "");
  EXPECT_EQ(refusal(tiny_cnn(), nothing), "");
  EXPECT_EQ(refusal(tiny_linear(), nothing), "");
  EXPECT_EQ(refusal(tiny_linear(), [](auto& o) { o.channels = 0; }),
            "channels must be 1 or more, got 0");
  EXPECT_EQ(refusal(tiny_cnn(), [](auto& o) { o.blocks = 0; }), "blocks must be 1 or more, got 0");
  EXPECT_EQ(refusal(tiny_cct(), [](auto& o) { o.kernel = 4; }), "kernel must be odd, got 4");
  EXPECT_EQ(refusal(tiny_cct(), [](auto& o) { o.heads = 2; }),
            "d-model must be a multiple of heads, got 15 and 2; change one, or name head-width");
}

}  // namespace
}  // namespace zoo
