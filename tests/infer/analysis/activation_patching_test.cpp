#include "infer/analysis/activation_patching.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/infer/analysis/by_hand.h"
#include "tests/infer/tiny_models.h"

namespace zoo {
namespace {

TEST(ActivationPatchingTest, FollowsTheTokenToTheLayerThatMovesIt) {
  // Layer 1 of three copies the first token to all places; the answer is read at the last.
  const int64_t P = 3, V = 6;
  auto model = testing::readable_gpt(P, V, /*layers=*/3, /*heads=*/1);
  auto first = torch::zeros({P, P});
  first.select(1, 0).fill_(1);
  auto& attention = *model->blocks->at<BlockImpl>(1).attention;
  testing::look_at(attention, 0, first);
  testing::copy_tokens(attention, 0, P, 10);
  const Patching patching = patch_activations(*model, {3, 1, 1}, {4, 1, 1});
  EXPECT_EQ(patching.answer, 3);
  EXPECT_EQ(patching.other, 4);
  EXPECT_NEAR(patching.clean, -patching.corrupted, 1e-4);
  auto wanted = torch::zeros({4, P}, torch::kDouble);
  wanted[0][0] = wanted[1][0] = 1;  // before it is moved: at the first place
  wanted[2][2] = wanted[3][2] = 1;  // then at the last
  EXPECT_TRUE(patching.restored.allclose(wanted, 1e-4, 1e-4)) << patching.restored;
}

TEST(ActivationPatchingTest, SubLayersAreToldApart) {
  // Of two layers, layer 0 copies the first token by attention, layer 1 doubles it by its network.
  const int64_t P = 3, V = 6;
  auto model = testing::readable_gpt(P, V, /*layers=*/2, /*heads=*/1);
  auto first = torch::zeros({P, P});
  first.select(1, 0).fill_(1);
  auto& attention = *model->blocks->at<BlockImpl>(0).attention;
  testing::look_at(attention, 0, first);
  testing::copy_tokens(attention, 0, P, 1);
  auto& network = *model->blocks->at<BlockImpl>(1).feed_forward;
  {
    const torch::NoGradGuard no_grad;  // two hidden units: tokens 3 and 4, where they are copied
    for (int64_t unit = 0; unit < 2; ++unit) {
      network.in_proj->weight[unit][P + 3 + unit] = 4;
      network.out_proj->weight[P + 3 + unit][unit] = 4;
    }
  }
  const auto restored = [&](LayerPart what) {
    return patch_activations(*model, {3, 1, 1}, {4, 1, 1}, {.answer = 3, .other = 4, .what = what})
        .restored;
  };
  const auto by_attention = restored(LayerPart::kAttention),
             by_network = restored(LayerPart::kFeedForward);
  auto wanted = torch::zeros({2, P}, torch::kDouble);
  wanted[0][2] = 1;  // all of it comes that way, what the network adds as well
  EXPECT_TRUE(by_attention.allclose(wanted, 1e-3, 1e-3)) << by_attention;
  const double share = by_network[1][2].item<double>();  // what was copied is not the network's
  EXPECT_GT(share, 0.6);
  EXPECT_LT(share, 0.99);
  wanted.zero_()[1][2] = share;
  EXPECT_TRUE(by_network.allclose(wanted, 1e-3, 1e-3)) << by_network;
}

TEST(SubLayersTest, ABlockWithItsSubLayersOpenIsTheBlock) {
  torch::manual_seed(1);
  for (const auto place : {NormPlace::kPre, NormPlace::kPost}) {
    Block block(BlockOptions{.attention = {.d_model = 8, .heads = 2},
                             .feed_forward = {.d_model = 8, .width = 16},
                             .norm = {},
                             .norm_place = place,
                             .layer_scale = 0.5});
    block->eval();
    const auto x = torch::randn({2, 3, 8});
    const SelfAttentionContext context{.args = {.causal = true}};
    const auto kept = [](LayerPart, const torch::Tensor& branch) { return branch; };
    EXPECT_TRUE(run_block(*block, x, context, kept).equal(block->forward(x, context)));
    const auto without = [](LayerPart, const torch::Tensor& branch) {
      return torch::zeros_like(branch);
    };
    const auto rest = run_block(*block, x, context, without);
    if (place == NormPlace::kPre) EXPECT_TRUE(rest.equal(x));
  }
}

TEST(ActivationPatchingTest, TheLastPlaceAfterTheLastLayerBringsAllBackInEveryModel) {
  for (auto& [name, options] : testing::every_kind_of_gpt()) {
    auto model = testing::tiny_gpt(options);
    const auto patching =
        patch_activations(*model, {1, 7, 3, 9}, {2, 7, 3, 9}, {.answer = 4, .other = 5});
    EXPECT_NEAR(patching.restored[options.layers][3].item<double>(), 1, 1e-4) << name;
    EXPECT_NEAR(patching.restored[0][0].item<double>(), 1, 1e-3) << name;  // all that differs
    EXPECT_NEAR(patching.restored[0][2].item<double>(), 0, 1e-4) << name;
  }
}

TEST(ActivationPatchingTest, RefusesInputsThatCannotBeCompared) {
  auto model = testing::tiny_gpt(testing::tiny_options());
  using ::testing::HasSubstr;
  EXPECT_THAT(
      [&] {
        patch_activations(*model, {1, 2}, {1, 2, 3});
      },
      ::testing::ThrowsMessage<std::invalid_argument>(HasSubstr("got 2 and 3")));
  EXPECT_THAT(
      [&] {
        patch_activations(*model, {1, 2}, {1, 2});
      },
      ::testing::ThrowsMessage<std::invalid_argument>(HasSubstr("nothing to bring back")));
}

}  // namespace
}  // namespace zoo
