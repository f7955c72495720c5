// Costs of the models that look at images: each option that changes parameters or operations.
#include <functional>
#include <vector>

#include "models/cost/clip_cost.h"
#include "models/cost/vision_cost.h"
#include "tests/models/cost/measured_cost.h"

namespace zoo {
namespace {

using testing::expect_cost;
using testing::some_tokens;

TEST(VitCostTest, IsWhatTheModelHasAndComputes) {
  using Change = std::function<void(VitOptions&)>;
  const std::vector<Change> changes = {
      [](VitOptions&) {},
      [](VitOptions& o) { o.patch_width = 7, o.image_width = 14, o.pooling = VitPooling::kMean; },
      [](VitOptions& o) { o.distillation = Distillation::kHead; },
      [](VitOptions& o) { o.distillation = Distillation::kToken; },
      [](VitOptions& o) { o.patch_method = PatchMethod::kProduct, o.patch_bias = false; },
      [](VitOptions& o) { o.classes = 0, o.pooler = true; },
      [](VitOptions& o) { o.activation = Activation::kSwiglu, o.qkv_bias = false; },
      [](VitOptions& o) { o.layer_scale = 0.1, o.embedding_norm = true; },
      [](VitOptions& o) { o.norm = NormKind::kRms, o.norm_place = NormPlace::kPost; },
      [](VitOptions& o) { o.kv_heads = 1, o.head_width = 6, o.feed_forward_bias = false; },
      [](VitOptions& o) { o.pooling = VitPooling::kClassTokenAndMean, o.mask_token = true; },
      [](VitOptions& o) { o.pooling = VitPooling::kAttention, o.activation = Activation::kSwiglu; },
      [](VitOptions& o) { o.position = GridPositionKind::kNone; },
      [](VitOptions& o) { o.position = GridPositionKind::kLearned2d; },
      [](VitOptions& o) { o.position = GridPositionKind::kSinusoidal2d; }};
  for (size_t n = 0; n < changes.size(); ++n) {
    SCOPED_TRACE(n);
    VitOptions o;
    o.channels = 3;
    o.layers = 2;
    o.d_model = 12;
    o.heads = 3;
    o.attention = "matmul";
    changes[n](o);
    Vit model(o);
    const auto pixels = torch::zeros({1, 3, 28, resolved(o).image_width});
    expect_cost(cost_of(o), *model, [&] {
      if (o.classes > 0)
        model->forward(pixels);
      else
        model->pooler_output(model->hidden_of(model->encode(pixels)));
    });
  }
}

TEST(ImageClassifierCostTest, IsWhatTheModelHasAndComputes) {
  const auto pixels = torch::zeros({1, 3, 13, 10});
  const CnnOptions cnn{.image_size = 13, .image_width = 10, .channels = 3, .blocks = 2, .width = 6};
  Cnn residual(cnn);
  expect_cost(cost_of(cnn), *residual, [&] { residual->forward(pixels); });
  EXPECT_EQ(cost_of(cnn).layers, 6);

  for (const auto position : {GridPositionKind::kLearned, GridPositionKind::kLearned2d}) {
    CctOptions cct;
    cct.image_size = 13;
    cct.image_width = 10;
    cct.channels = 3;
    cct.d_model = 12;
    cct.position = position;
    cct.attention = "matmul";
    Cct compact(cct);
    expect_cost(cost_of(cct), *compact, [&] { compact->forward(pixels); });
  }

  const LinearClassifierOptions flat{.image_size = 13, .image_width = 10, .channels = 3};
  LinearClassifier linear(flat);
  expect_cost(cost_of(flat), *linear, [&] { linear->forward(pixels); });
}

TEST(ClipCostTest, IsWhatTheTowersHaveAndCompute) {
  for (const auto tower : {ImageTower::kVit, ImageTower::kCnn}) {
    for (const auto towers : {ClipTowers::kBoth, ClipTowers::kImage, ClipTowers::kText}) {
      ClipOptions o;
      o.towers = towers;
      o.image_tower = tower;
      o.image.image_size = 16;
      o.image.patch_size = 4;
      o.image.attention = o.text.attention = "matmul";
      o.text.vocab_size = 11;
      o.has_logit_bias = tower == ImageTower::kCnn;
      if (tower == ImageTower::kVit && towers == ClipTowers::kBoth) {
        o.image.pooling = VitPooling::kAttention;
        o.image_projection = o.text_causal = false;
        o.projection_bias = true;
      }
      Clip model(o);
      const auto pixels = torch::zeros({1, o.image.channels, 16, 16});
      expect_cost(cost_of(o, 9), *model, [&] {
        if (towers != ClipTowers::kText) model->embed_images(pixels);
        if (towers != ClipTowers::kImage) model->embed_texts(some_tokens(9));
      });
    }
  }
}

TEST(ModelMemoryTest, RefusesWhatNoMachineHas) {
  const CnnOptions small{.blocks = 1};
  EXPECT_NO_THROW(require_model_memory(cost_of(small)));
  const CnnOptions wide{.blocks = 1, .width = 2'000'000'000};
  EXPECT_THROW(require_model_memory(cost_of(wide)), std::invalid_argument);
  const CnnOptions deep{.blocks = 2'000'000'000, .width = 1};  // many small things
  EXPECT_THROW(require_model_memory(cost_of(deep)), std::invalid_argument);
}

}  // namespace
}  // namespace zoo
