// Laws that hold for every ViT: each patch reaches the scores, batch mates change nothing.
#include "models/vision/vit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/activation.h>

#include "tests/models/attention/kernel_support.h"
#include "tests/models/vision/tiny_vits.h"
#include "tests/support/gradient_check.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using testing::torch_error_of;

class VitTest : public ::testing::TestWithParam<testing::NamedVit> {
 protected:
  VitTest() : vit(seeded(GetParam().options)) { vit->eval(); }
  static Vit seeded(const VitOptions& options) {
    torch::manual_seed(8);
    return Vit(options);
  }
  static torch::Tensor pixels(int64_t B, int64_t H = 6, int64_t W = 7) {
    return torch::randn({B, 3, H, W});
  }
  static bool close(const torch::Tensor& a, const torch::Tensor& b) {
    return torch::allclose(a, b, 1e-4, 1e-5);
  }
  Vit vit;
};

TEST_P(VitTest, EveryPatchReachesTheScores) {
  const torch::NoGradGuard no_grad;
  const auto before = pixels(1), wanted = vit(before);
  ASSERT_EQ(wanted.sizes(), (std::vector<int64_t>{1, 5}));
  for (int64_t row = 0; row < 2; ++row) {
    for (int64_t column = 0; column < 3; ++column) {
      auto changed = before.clone();
      changed.narrow(2, 3 * row, 3).narrow(3, 2 * column, 2).add_(1.0);
      EXPECT_GT((vit(changed) - wanted).abs().max().item<double>(), 1e-4) << row << " " << column;
    }
  }
  auto edge = before.clone();
  edge.select(3, 6).add_(1.0);  // fills no patch
  EXPECT_TRUE(torch::equal(vit(edge), wanted));
}

TEST_P(VitTest, ABatchEqualsItsRowsOneByOne) {
  const torch::NoGradGuard no_grad;
  const auto batch = pixels(3), together = vit(batch);
  for (int64_t b = 0; b < 3; ++b)
    EXPECT_TRUE(close(together.narrow(0, b, 1), vit(batch.narrow(0, b, 1))));
}

TEST_P(VitTest, PatchesThatChangePlacesChangeTheScores) {
  const torch::NoGradGuard no_grad;
  const auto batch = pixels(2);
  auto swapped = batch.clone();
  swapped.narrow(3, 0, 2).copy_(batch.narrow(3, 2, 2));  // columns 0 and 1
  swapped.narrow(3, 2, 2).copy_(batch.narrow(3, 0, 2));
  auto flipped = torch::cat({batch.narrow(2, 3, 3), batch.narrow(2, 0, 3)}, 2);  // rows
  EXPECT_FALSE(close(vit(swapped), vit(batch)));
  EXPECT_FALSE(close(vit(flipped), vit(batch)));
}

TEST_P(VitTest, WithoutPositionsTheOrderOfPatchesDoesNotMatter) {
  const torch::NoGradGuard no_grad;
  auto options = GetParam().options;
  options.position = GridPositionKind::kNone;
  auto blind = seeded(options);
  const auto batch = pixels(2);
  const auto flipped = torch::cat({batch.narrow(2, 3, 3), batch.narrow(2, 0, 3)}, 2);
  EXPECT_TRUE(close(blind(flipped), blind(batch)));
}

TEST_P(VitTest, EveryKernelAndBothPatchMethodsGiveTheSameScores) {
  const torch::NoGradGuard no_grad;
  const auto batch = pixels(2), wanted = vit(batch);
  for (const auto& kernel : testing::kernels_on_the_cpu()) {
    auto options = GetParam().options;
    options.attention = kernel;
    for (const PatchMethod method : {PatchMethod::kConvolution, PatchMethod::kProduct}) {
      options.patch_method = method;
      auto other = seeded(options);
      other->eval();
      EXPECT_TRUE(close(other(batch), wanted)) << kernel << " " << name_of(method);
    }
  }
}

TEST_P(VitTest, GradientsMatchFiniteDifferences) {
  vit->to(torch::kDouble);
  const auto batch = pixels(2).to(torch::kDouble);
  testing::expect_gradients_match_differences([&] { return vit(batch).pow(3).mean(); },
                                              vit->parameters(), 6);
}

TEST_P(VitTest, ImagesOfAnotherSizeAreReadWhereThatIsAskedFor) {
  const torch::NoGradGuard no_grad;
  const auto larger = pixels(2, 9, 10);
  EXPECT_THAT(torch_error_of([&] { vit(larger); }),
              HasSubstr("Vit: images are 9 x 10, but the model was made for 6 x 7; resize them"));
  const auto hidden = vit->encode(larger, {.interpolate = true});
  EXPECT_EQ(hidden.size(1), prefix_tokens(vit->options) + 3 * 5);
  const auto usual = pixels(2);  // and the next pass sees its own grid again
  EXPECT_TRUE(close(vit->encode(usual, {.interpolate = true}), vit->encode(usual)));
}

TEST_P(VitTest, TracesHiddenStatesAndAttentions) {
  auto options = GetParam().options;
  options.attention = "matmul";
  Vit traced(options);
  Trace trace{.hidden_states = true, .attentions = true};
  const auto batch = pixels(2);
  traced->eval();
  const auto last = traced->encode(batch, {.trace = &trace});
  const int64_t T = prefix_tokens(options) + 6;
  ASSERT_EQ(trace.tensors.size(), 3U + 2U);
  EXPECT_TRUE(torch::equal(trace.tensors.at("hidden_states.0"), traced->embed(batch)));
  EXPECT_TRUE(torch::equal(trace.tensors.at("hidden_states.2"), last));
  for (const char* name : {"attentions.0", "attentions.1"})
    EXPECT_TRUE(torch::allclose(trace.tensors.at(name).sum(-1), torch::ones({2, 3, T})));
}

TEST_P(VitTest, PixelsThatDoNotFitAreRefused) {
  EXPECT_THAT(torch_error_of([&] {
                vit(torch::randn({2, 1, 6, 7}));
              }),
              HasSubstr("PatchEmbedding: pixels must be [B, 3, H, W], got [2, 1, 6, 7]"));
  EXPECT_THAT(torch_error_of([&] {
                vit->encode(torch::randn({2, 3, 2, 7}), {.interpolate = true});
              }),
              HasSubstr("an image of 2 x 7 is smaller than a patch of 3 x 2"));
  EXPECT_EQ(vit(pixels(0)).sizes(), (std::vector<int64_t>{0, 5}));
}

INSTANTIATE_TEST_SUITE_P(Models, VitTest, ::testing::ValuesIn(testing::tiny_vits()),
                         testing::vit_name);

TEST(VitHeadsTest, DeitPredictsWithTheMeanOfItsTwoHeads) {
  auto options = testing::tiny_vit();
  options.distillation = Distillation::kHead;
  Vit deit(options);
  const auto hidden = deit->hidden_of(deit->encode(torch::randn({2, 3, 6, 7})));
  const auto heads = deit->heads_of(hidden);
  EXPECT_TRUE(torch::allclose(heads.by_class_token, deit->head(hidden.select(1, 0))));
  EXPECT_TRUE(
      torch::allclose(heads.by_distillation_token, deit->distillation_head(hidden.select(1, 1))));
  EXPECT_TRUE(torch::allclose(deit->logits_of(hidden),
                              (heads.by_class_token + heads.by_distillation_token) / 2));
}

TEST(VitHeadsTest, ADistillationTokenWithoutHeadIsOnlyLookedAt) {
  auto options = testing::tiny_vit();
  options.distillation = Distillation::kToken;
  Vit vit(options);
  vit->eval();
  const auto pixels = torch::randn({2, 3, 6, 7}), before = vit(pixels);
  const auto hidden = vit->hidden_of(vit->encode(pixels));
  EXPECT_FALSE(vit->heads_of(hidden).by_distillation_token.defined());
  EXPECT_TRUE(torch::equal(before, vit->head(hidden.select(1, 0))));
  const torch::NoGradGuard no_grad;
  vit->distillation_token.add_(torch::randn({15}));
  EXPECT_FALSE(torch::allclose(vit(pixels), before, 1e-3, 1e-3));
}

TEST(VitPoolingTest, ClassTokenAndMeanStandSideBySide) {
  auto options = testing::tiny_vit();
  options.pooling = VitPooling::kClassTokenAndMean;
  Vit model(options);
  const auto hidden = torch::randn({2, 7, 15});
  const auto pooled = model->pool(hidden);  // [2, 30]
  EXPECT_TRUE(torch::equal(pooled.narrow(1, 0, 15), hidden.select(1, 0)));
  EXPECT_TRUE(torch::allclose(pooled.narrow(1, 15, 15), hidden.slice(1, 1).mean(1)));
}

/// torch's own attention with the same weights.
TEST(VitPoolingTest, AttentionPoolingIsThatOfTorch) {
  auto options = testing::tiny_vit();
  options.pooling = VitPooling::kAttention;
  options.norm_epsilon = 1e-5;
  Vit model(options);
  const torch::NoGradGuard no_grad;
  auto& pooling = *model->attention_pooling;
  torch::nn::MultiheadAttention theirs(torch::nn::MultiheadAttentionOptions(15, 3));
  theirs->in_proj_weight.copy_(pooling.attention->in_proj->weight);
  theirs->in_proj_bias.copy_(pooling.attention->in_proj->bias.normal_());
  theirs->out_proj->weight.copy_(pooling.attention->out_proj->weight);
  theirs->out_proj->bias.copy_(pooling.attention->out_proj->bias.normal_());
  const auto hidden = torch::randn({2, 6, 15});
  const auto keys = hidden.transpose(0, 1);  // [T, B, C]
  const auto query = pooling.probe.expand({1, 2, 15});
  const auto h = std::get<0>(theirs->forward(query, keys, keys))[0];  // [B, C]
  const auto wanted = h + pooling.feed_forward(pooling.norm(h));
  EXPECT_TRUE(torch::allclose(model->pool(hidden), wanted, 1e-4, 1e-6));
}

TEST(VitMaskTest, TheMaskTokenStandsForMaskedPatches) {
  auto options = testing::tiny_vit();
  options.mask_token = true;
  Vit model(options);
  model->eval();
  const torch::NoGradGuard no_grad;
  const auto a = torch::randn({1, 3, 6, 7}), b = torch::randn({1, 3, 6, 7});
  const auto all = torch::ones({1, 6}, torch::kBool);
  EXPECT_FALSE(torch::allclose(model->encode(a), model->encode(b)));
  EXPECT_TRUE(torch::equal(model->encode(a, {.masked = all}), model->encode(b, {.masked = all})));
  EXPECT_THAT(
      testing::torch_error_of([&] { Vit(testing::tiny_vit())->encode(a, {.masked = all}); }),
      HasSubstr("this model has no mask token"));
}

TEST(VitHeadsTest, AnEncoderAloneHasAPoolerAtMost) {
  auto options = testing::tiny_vit();
  options.classes = 0;
  options.pooler = true;
  Vit vit(options);
  const auto hidden = vit->hidden_of(vit->encode(torch::randn({2, 3, 6, 7})));
  EXPECT_TRUE(
      torch::allclose(vit->pooler_output(hidden), torch::tanh(vit->pooler(hidden.select(1, 0)))));
  EXPECT_THAT(torch_error_of([&] {
                vit(torch::randn({2, 3, 6, 7}));
              }),
              HasSubstr("Vit: this model is an encoder alone"));
}

TEST(VitDropoutTest, EverySiteDropsInTrainingOnly) {
  using Site = double VitOptions::*;
  for (const Site site : {Site{&VitOptions::dropout}, Site{&VitOptions::attention_dropout},
                          Site{&VitOptions::drop_path}}) {
    auto options = testing::tiny_vit();
    options.*site = 0.5;
    torch::manual_seed(3);
    Vit vit(options);
    const auto batch = torch::randn({8, 3, 6, 7});
    EXPECT_FALSE(torch::allclose(vit(batch), vit(batch)));
    vit->eval();
    EXPECT_TRUE(torch::equal(vit(batch), vit(batch)));
  }
}

TEST(VitDropoutTest, DepthIsDroppedLinearlyMoreFromLayerToLayer) {
  auto options = testing::tiny_vit();
  options.layers = 5;
  options.drop_path = 0.4;
  const Vit vit(options);
  for (size_t n = 0; n < 5; ++n) {
    const double dropped = vit->blocks->ptr<BlockImpl>(n)->options.drop_path;
    EXPECT_DOUBLE_EQ(dropped, 0.1 * static_cast<double>(n));
  }
  options.layers = 1;
  EXPECT_EQ(Vit(options)->blocks->ptr<BlockImpl>(0)->options.drop_path, 0.4);
}

TEST(VitWeightsTest, OneSeedGivesOneModelWithEitherInitialisation) {
  for (const double std : {0.02, 0.0}) {
    auto options = testing::tiny_vits()[2].options;
    options.init_std = std;
    const auto seeded = [&] {
      torch::manual_seed(4);
      return Vit(options);
    };
    const auto a = seeded(), b = seeded();
    const auto values = b->named_parameters();
    for (const auto& p : a->named_parameters()) {
      EXPECT_TRUE(torch::equal(p.value(), values[p.key()])) << p.key();
      const bool constant = p.key().ends_with(".bias") ||
                            p.key().find("norm") != std::string::npos ||
                            p.key().ends_with("_scale");
      EXPECT_EQ(p.value().std().item<double>() == 0.0, constant) << p.key();
    }
  }
}

}  // namespace
}  // namespace zoo
