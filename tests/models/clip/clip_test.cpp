// CLIP's towers, where a text is read, what the scores are, and its folders.
#include "models/clip/clip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "models/cost/clip_cost.h"
#include "models/pretrained/clip/clip_checkpoint.h"
#include "models/pretrained/format/safetensors.h"
#include "tests/models/parameters.h"
#include "tests/models/pretrained/safetensors_bytes.h"
#include "tests/support/gradient_check.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/too_large.h"

namespace zoo {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using testing::too_large;
using testing::torch_error_of;

/// V = 17, E = 10; the image tower 15 wide, the text tower 12.
ClipOptions tiny_clip() {
  ClipOptions o;
  o.image.image_size = 6;
  o.image.patch_size = 3;
  o.image.layers = 2;
  o.image.d_model = 15;
  o.image.heads = 3;
  o.image.init_std = o.text.init_std = 0.3;
  o.text.vocab_size = 17;
  o.text.context = 9;
  o.text.layers = 2;
  o.text.d_model = 12;
  o.text.heads = 3;
  o.projection = 10;
  return o;
}

ClipOptions tiny_siglip() {
  ClipOptions o = tiny_clip();
  o.image.pooling = VitPooling::kAttention;
  o.image.embedding_norm = false;
  o.image.patch_bias = true;
  o.image_projection = false;
  o.projection = 15;
  o.projection_bias = true;
  o.text_causal = false;
  o.text_pooling = ClipTextPooling::kLast;
  o.has_logit_bias = true;
  return o;
}

Clip seeded(const ClipOptions& options) {
  torch::manual_seed(8);
  Clip clip(options);
  clip->eval();
  return clip;
}

torch::Tensor some_pixels() { return torch::randn({2, 3, 6, 6}); }
torch::Tensor three_texts() {
  return torch::tensor({{3, 9, 4, 16, 5, 16}, {16, 1, 1, 1, 1, 1}, {7, 2, 2, 8, 3, 16}});
}

TEST(ClipTest, EmbeddingsHaveLengthOneAndScoresAreScaledCosines) {
  const torch::NoGradGuard no_grad;
  auto clip = seeded(tiny_clip());
  const auto images = clip->embed_images(some_pixels());
  const auto texts = clip->embed_texts(three_texts());
  ASSERT_EQ(images.sizes(), (std::vector<int64_t>{2, 10}));
  ASSERT_EQ(texts.sizes(), (std::vector<int64_t>{3, 10}));
  EXPECT_TRUE(torch::allclose(images.norm(2, -1), torch::ones(2)));
  EXPECT_TRUE(torch::allclose(texts.norm(2, -1), torch::ones(3)));
  const auto logits = clip->logits_per_image(images, texts);
  for (int64_t i = 0; i < 2; ++i) {
    for (int64_t t = 0; t < 3; ++t) {
      EXPECT_NEAR(logits[i][t].item<double>(), (images[i] * texts[t]).sum().item<double>() / 0.07,
                  1e-3);
    }
  }
}

TEST(ClipTest, ATextIsReadAtItsLargestIdOrAtItsFirstEndToken) {
  const torch::NoGradGuard no_grad;
  auto options = tiny_clip();
  auto clip = seeded(options);
  const auto tokens = three_texts();
  const auto hidden = clip->text_hidden(tokens);
  const auto places_of = [&](const torch::Tensor& pooled) {
    std::vector<int64_t> places;
    for (int64_t b = 0; b < 3; ++b)
      places.push_back((hidden[b] - pooled[b]).abs().sum(1).argmin().item<int64_t>());
    return places;
  };
  EXPECT_EQ(places_of(clip->text_pool(hidden, tokens)), (std::vector<int64_t>{3, 0, 5}));
  clip->options.end_token = 2;
  EXPECT_EQ(places_of(clip->text_pool(hidden, tokens)), (std::vector<int64_t>{0, 0, 1}));
}

TEST(ClipTest, WhatFollowsTheEndOfATextChangesNothing) {
  const torch::NoGradGuard no_grad;
  auto options = tiny_clip();
  options.end_token = 16;
  auto clip = seeded(options);
  auto tokens = three_texts();
  const auto before = clip->embed_texts(tokens);
  tokens[0][4] = 11;
  tokens[1].narrow(0, 1, 5).fill_(6);
  EXPECT_TRUE(torch::allclose(clip->embed_texts(tokens), before, 1e-5, 1e-6));
  EXPECT_THAT(torch_error_of([&] {
                clip->embed_texts(torch::ones({1, 10}, torch::kLong));
              }),
              HasSubstr("a sequence of 10 tokens is longer than the model's context of 9"));
}

TEST(ClipTest, TheScaleIsClampedAtAHundred) {
  auto clip = seeded(tiny_clip());
  EXPECT_NEAR(clip->logit_scale.item<double>(), std::log(1 / 0.07), 1e-3);
  {
    const torch::NoGradGuard no_grad;
    clip->logit_scale.fill_(7.0);
  }
  clip->clamp_logit_scale();
  EXPECT_NEAR(clip->logit_scale.exp().item<double>(), 100.0, 1e-3);
  EXPECT_TRUE(clip->logit_scale.requires_grad());
}

TEST(ClipTest, GradientsMatchFiniteDifferences) {
  for (const ImageTower tower : {ImageTower::kVit, ImageTower::kCnn}) {
    auto options = tiny_clip();
    options.image_tower = tower;
    options.has_logit_bias = true;
    if (tower == ImageTower::kVit) options = tiny_siglip();
    auto clip = seeded(options);
    clip->to(torch::kDouble);
    const auto pixels = some_pixels().to(torch::kDouble);
    const auto loss = [&] {
      return clip->logits_per_image(clip->embed_images(pixels), clip->embed_texts(three_texts()))
          .pow(3)
          .mean();
    };
    testing::expect_gradients_match_differences(loss, clip->parameters(), 3, 1e-4);
  }
}

TEST(ClipTest, ASiglipReadsATextAtItsLastPlaceAndSeesBothSides) {
  const torch::NoGradGuard no_grad;
  auto clip = seeded(tiny_siglip());
  auto tokens = three_texts();
  const auto hidden = clip->text_hidden(tokens);
  EXPECT_TRUE(torch::equal(clip->text_pool(hidden, tokens), hidden.select(1, 5)));
  tokens.select(1, 5).fill_(3);
  EXPECT_FALSE(torch::allclose(clip->text_hidden(tokens).select(1, 0), hidden.select(1, 0)));
}

TEST(ClipOptionsTest, WithoutAProjectionTheSpaceIsAsWideAsTheTower) {
  auto options = tiny_siglip();
  EXPECT_NO_THROW(check(options));
  options.projection = 10;
  EXPECT_THAT([&] { check(options); },
              ::testing::ThrowsMessage<std::invalid_argument>(
                  HasSubstr("projection must be as wide as the image tower, 15, without")));
  options.image.pooling = VitPooling::kClassTokenAndMean;
  options.projection = 30;
  EXPECT_NO_THROW(check(options));
}

TEST(ClipTest, AModelMayHaveOneTower) {
  auto options = tiny_clip();
  options.towers = ClipTowers::kImage;
  auto images = seeded(options);
  EXPECT_EQ(images->embed_images(some_pixels()).sizes(), (std::vector<int64_t>{2, 10}));
  EXPECT_THAT(torch_error_of([&] { images->embed_texts(three_texts()); }),
              HasSubstr("Clip: this model has no text tower"));
  EXPECT_FALSE(images->logit_scale.defined());
  options.towers = ClipTowers::kText;
  auto texts = seeded(options);
  EXPECT_EQ(texts->embed_texts(three_texts()).sizes(), (std::vector<int64_t>{3, 10}));
  EXPECT_THAT(torch_error_of([&] { texts->embed_images(some_pixels()); }),
              HasSubstr("Clip: this model has no image tower"));
}

/// Number of parameters by the papers' sizes, without building the model.
int64_t weights_by_formula(const ClipOptions& options) {
  const ClipOptions o = resolved(options);
  const auto blocks = [](int64_t L, int64_t C, int64_t F) {
    return L * (4 * C * C + 4 * C + 2 * C * F + F + C + 4 * C);
  };
  const VitOptions& i = o.image;
  const GptOptions& t = o.text;
  const int64_t places = 1 + grid_of(i).patches();
  return i.d_model * (i.channels * i.patch_size * i.patch_width + 1 + places + 4) +
         blocks(i.layers, i.d_model, i.feed_forward) + t.d_model * (t.vocab_size + t.context + 2) +
         blocks(t.layers, t.d_model, t.feed_forward) + o.projection * (i.d_model + t.d_model) + 1;
}

TEST(ClipPresetTest, PublishedSizesHaveThePublishedNumberOfParameters) {
  EXPECT_EQ(weights_by_formula(tiny_clip()), testing::parameter_count(*seeded(tiny_clip())));
  EXPECT_EQ(weights_by_formula(ClipOptions::base32()), 151'277'313);
  EXPECT_EQ(weights_by_formula(ClipOptions::base16()), 149'620'737);
  EXPECT_EQ(weights_by_formula(ClipOptions::large14()), 427'616'513);
  EXPECT_EQ(cost_of(ClipOptions::siglip_base16(), 64).parameters, 203'155'970);
  for (const char* name : {"tiny", "base32", "base16", "large14", "siglip-base16"})
    EXPECT_NO_THROW(check(ClipOptions::preset(name))) << name;
}

class ClipCheckpointTest : public ::testing::Test {
 protected:
  json config() {
    std::ifstream in(folder / "config.json");
    return json::parse(in);
  }
  std::string refusal_after(auto change) {
    save_clip(*seeded(tiny_clip()), folder.path());
    json edited = config();
    change(edited);
    testing::write_bytes(folder / "config.json", edited.dump());
    try {
      load_clip(folder.path());
    } catch (const std::exception& error) {
      EXPECT_THAT(error.what(), ::testing::Not(HasSubstr("\n")));
      return error.what();
    }
    return "";
  }
  testing::TemporaryFolder folder;
  torch::NoGradGuard no_grad;
};

TEST_F(ClipCheckpointTest, EveryKindReturnsFromItsFolder) {
  ClipOptions of_text = tiny_clip(), of_images = tiny_clip(), cnn = tiny_clip(),
              siglip = tiny_clip();
  of_text.towers = ClipTowers::kText;
  of_text.end_token = 16;
  of_images.towers = ClipTowers::kImage;
  cnn.image_tower = ImageTower::kCnn;
  cnn.end_token = 2;  // which transformers takes for the largest id
  siglip.has_logit_bias = true;
  siglip.text.position = PositionKind::kRotary;
  siglip.image.position = GridPositionKind::kSinusoidal2d;
  const std::pair<ClipOptions, std::string> kinds[] = {{tiny_clip(), "clip"},
                                                       {of_text, "clip_text_model"},
                                                       {of_images, "clip_vision_model"},
                                                       {tiny_siglip(), "siglip"},
                                                       {cnn, "zoo_clip"},
                                                       {siglip, "zoo_clip"}};
  for (const auto& [options, type] : kinds) {
    SCOPED_TRACE(type);
    auto model = seeded(options);
    save_clip(*model, folder.path(), {.bos = 15, .pad = 0});
    EXPECT_EQ(config()["model_type"], type);
    auto loaded = load_clip(folder.path());
    EXPECT_EQ(loaded->options.end_token, options.end_token);
    const auto wanted = model->named_parameters();
    ASSERT_EQ(loaded->named_parameters().size(), wanted.size());
    for (const auto& p : loaded->named_parameters())
      EXPECT_TRUE(torch::equal(p.value(), wanted[p.key()])) << p.key();
    for (auto& p : model->parameters()) p.zero_();
    load_clip_weights(*model, folder.path());
    EXPECT_TRUE(torch::equal(model->parameters().front(), loaded->parameters().front()));
  }
}

TEST_F(ClipCheckpointTest, OurOptionsBecomeTheReferencesKeys) {
  save_clip(*seeded(tiny_clip()), folder.path(), {.bos = 15, .pad = 0});
  const json c = config();
  EXPECT_EQ(c["text_config"]["eos_token_id"], 2);
  EXPECT_EQ(c["text_config"]["bos_token_id"], 15);
  EXPECT_EQ(c["text_config"]["vocab_size"], 17);
  EXPECT_EQ(c["vision_config"]["intermediate_size"], 60);
  EXPECT_EQ(c["projection_dim"], 10);
  EXPECT_EQ(read_clip_config(folder.path()).ids.pad, 0);
  auto siglip = tiny_clip();
  siglip.has_logit_bias = true;
  EXPECT_THAT(layout_note(siglip), HasSubstr("CLIP's layout would need no has-logit-bias"));
}

TEST_F(ClipCheckpointTest, KeysThatContradictEachOtherAreRefused) {
  EXPECT_EQ(refusal_after([](json&) {}), "");
  EXPECT_THAT(refusal_after([](json& c) { c["text_config"]["hidden_size"] = 18; }),
              HasSubstr("\"hidden_size\" is 18, but \"zoo\" makes it 12"));
  EXPECT_THAT(refusal_after([](json& c) { c["vision_config"] = 3; }),
              HasSubstr("\"vision_config\" must be an object"));
  EXPECT_THAT(refusal_after([](json& c) { c["architectures"] = {"CLIPThing"}; }),
              HasSubstr("architecture \"CLIPThing\" is not supported"));
  EXPECT_THAT(refusal_after([](json& c) { c["zoo"]["has-logit-bias"] = true; }),
              HasSubstr("model_type clip does not fit the options"));
  EXPECT_THAT(refusal_after([](json& c) {
                c["text_config"]["vocab_size"] = 2'000'000'000;
                c.erase("zoo");
              }),
              too_large());
}

}  // namespace
}  // namespace zoo
