// What a ViT consists of: names and sizes of its parameters, the presets, options that do not fit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/cost/vision_cost.h"
#include "models/vision/vit.h"
#include "tests/models/parameters.h"
#include "tests/models/vision/tiny_vits.h"
#include "tests/support/refusal.h"

namespace zoo {
namespace {

using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using testing::parameter_count;
using testing::parameter_lines;

// The names below are the schema of checkpoints and of optimizer states: renaming one breaks files.
TEST(VitSchemaTest, ParametersOfADeitWithLayerScale) {
  auto options = testing::tiny_vits()[2].options;
  options.layers = 1;
  options.embedding_norm = true;
  EXPECT_THAT(parameter_lines(*Vit(options)),
              ElementsAreArray({"class_token 15",
                                "distillation_token 15",
                                "patch_embedding.projection.weight 15 3 3 2",
                                "patch_embedding.projection.bias 15",
                                "position.row_table.weight 2 15",
                                "position.column_table.weight 3 15",
                                "embedding_norm.weight 15",
                                "embedding_norm.bias 15",
                                "blocks.0.attention_scale 15",
                                "blocks.0.feed_forward_scale 15",
                                "blocks.0.attention_norm.weight 15",
                                "blocks.0.attention_norm.bias 15",
                                "blocks.0.attention.in_proj.weight 45 15",
                                "blocks.0.attention.in_proj.bias 45",
                                "blocks.0.attention.out_proj.weight 15 15",
                                "blocks.0.attention.out_proj.bias 15",
                                "blocks.0.feed_forward_norm.weight 15",
                                "blocks.0.feed_forward_norm.bias 15",
                                "blocks.0.feed_forward.in_proj.weight 20 15",
                                "blocks.0.feed_forward.in_proj.bias 20",
                                "blocks.0.feed_forward.out_proj.weight 15 20",
                                "blocks.0.feed_forward.out_proj.bias 15",
                                "final_norm.weight 15",
                                "final_norm.bias 15",
                                "head.weight 5 15",
                                "head.bias 5",
                                "distillation_head.weight 5 15",
                                "distillation_head.bias 5"}));
  options = testing::tiny_vit();
  options.classes = 0;
  options.pooler = true;
  EXPECT_THAT(parameter_lines(*Vit(options)),
              ::testing::IsSupersetOf({"position.table.weight 7 15", "pooler.weight 15 15"}));
}

/// Number of parameters by the papers' sizes, without building the model.
int64_t count_by_formula(const VitOptions& options) {
  const VitOptions o = resolved(options);
  const int64_t C = o.d_model, F = o.feed_forward, prefix = prefix_tokens(o);
  const int64_t heads = o.distillation == Distillation::kHead ? 2 : 1;
  return o.channels * o.patch_size * o.patch_width * C + C + prefix * C +
         (prefix + grid_of(o).patches()) * C +
         o.layers * (4 * C * C + 4 * C + 2 * C * F + F + C + 4 * C) + 2 * C +
         heads * (C * o.classes + o.classes);
}

TEST(VitSchemaTest, TheFormulaCountsWhatModelsHave) {
  auto options = testing::tiny_vit();
  EXPECT_EQ(parameter_count(*Vit(options)), count_by_formula(options));
  options.distillation = Distillation::kHead;
  EXPECT_EQ(parameter_count(*Vit(options)), count_by_formula(options));
  EXPECT_EQ(parameter_count(*Vit(VitOptions::pixels28())),
            count_by_formula(VitOptions::pixels28()));
}

TEST(VitPresetTest, PublishedSizesHaveThePublishedNumberOfParameters) {
  EXPECT_EQ(count_by_formula(VitOptions::tiny16()), 5'717'416);
  EXPECT_EQ(count_by_formula(VitOptions::small16()), 22'050'664);
  EXPECT_EQ(count_by_formula(VitOptions::base16()), 86'567'656);
  EXPECT_EQ(count_by_formula(VitOptions::base32()), 88'224'232);
  EXPECT_EQ(count_by_formula(VitOptions::large16()), 304'326'632);
  EXPECT_EQ(count_by_formula(VitOptions::huge14()), 632'045'800);
  EXPECT_EQ(count_by_formula(VitOptions::deit_tiny()), 5'910'800);
  EXPECT_EQ(count_by_formula(VitOptions::deit_small()), 22'436'432);
  EXPECT_EQ(count_by_formula(VitOptions::deit_base()), 87'338'192);
  const auto of_imagenet = [](VitOptions o) {
    o.classes = 1000;
    return cost_of(o).parameters;
  };
  EXPECT_EQ(of_imagenet(VitOptions::dinov2_small()), 22'825'576);
  EXPECT_EQ(of_imagenet(VitOptions::dinov2_base()), 88'117'480);
  EXPECT_EQ(of_imagenet(VitOptions::dinov2_giant()), 1'139'553'768);
}

TEST(VitPresetTest, ClassroomSizesHaveAFifthOfAMillion) {
  for (const auto& options : {VitOptions::pixels28(), VitOptions::pixels32()}) {
    EXPECT_GT(count_by_formula(options), 195'000);
    EXPECT_LT(count_by_formula(options), 215'000);
  }
  EXPECT_EQ(grid_of(VitOptions::pixels28()), (Grid{7, 7}));
  EXPECT_EQ(grid_of(VitOptions::pixels32()), (Grid{8, 8}));
}

TEST(VitPresetTest, AreFoundByNameAndPassTheirOwnCheck) {
  for (const char* name : {"pixels28", "pixels32", "tiny16", "small16", "base16", "base32",
                           "large16", "huge14", "deit-tiny", "deit-small", "deit-base",
                           "dinov2-small", "dinov2-base", "dinov2-large", "dinov2-giant"})
    EXPECT_NO_THROW(check(VitOptions::preset(name))) << name;
  EXPECT_THAT([] { VitOptions::preset("vast"); },
              ::testing::ThrowsMessage<std::invalid_argument>(
                  HasSubstr("unknown preset 'vast'; known are: pixels28, pixels32, ")));
}

TEST(VitOptionsTest, AreChecked) {
  const auto refused = [](auto change) { return testing::refusal(testing::tiny_vit(), change); };
  EXPECT_EQ(refused([](auto&) {}), "");
  EXPECT_EQ(refused([](auto& o) { o.layers = 0; }), "layers must be 1 or more, got 0");
  EXPECT_EQ(refused([](auto& o) { o.classes = -1; }), "classes must be 0 or more, got -1");
  EXPECT_EQ(refused([](auto& o) { o.heads = 4; }),
            "d-model must be a multiple of heads, got 15 and 4; change one, or name head-width");
  EXPECT_EQ(refused([](auto& o) { o.patch_size = 7; }),
            "patch-size must be at most image-size 6, got 7");
  EXPECT_EQ(refused([](auto& o) { o.patch_width = 8; }),
            "patch-width must be at most the images' width 7, got 8");
  EXPECT_EQ(refused([](auto& o) { o.drop_path = 1.0; }), "drop-path must be in [0, 1), got 1");
  EXPECT_EQ(refused([](auto& o) { o.layer_scale = -1.0; }),
            "layer-scale must be 0 or more, got -1");
  EXPECT_EQ(refused([](auto& o) {
              o.heads = 5;
              o.position = GridPositionKind::kRotary2d;
            }),
            "heads must be such that heads are at least 4 wide, for rotary positions, got 5");
  EXPECT_EQ(refused([](auto& o) {
              o.pooling = VitPooling::kMean;
              o.distillation = Distillation::kToken;
            }),
            "distillation must be none with pooling mean, got token");
  EXPECT_EQ(refused([](auto& o) { o.pooler = true; }),
            "pooler must be false for a classifier, got true");
  EXPECT_EQ(refused([](auto& o) {
              o.classes = 0;
              o.distillation = Distillation::kHead;
            }),
            "distillation must be none or token for an encoder without classes, got head");
}

}  // namespace
}  // namespace zoo
