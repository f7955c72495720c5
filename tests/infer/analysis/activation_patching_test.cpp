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

TEST(ActivationPatchingTest, TheLastPlaceAfterTheLastLayerBringsAllBackInEveryModel) {
  for (auto& [name, options] : testing::every_kind_of_gpt()) {
    auto model = testing::tiny_gpt(options);
    const auto patching = patch_activations(*model, {1, 7, 3, 9}, {2, 7, 3, 9}, 4, 5);
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
