// Attention rollout: by hand, and as a law.
#include "infer/vision/attention_rollout.h"

#include <gmock/gmock.h>

namespace zoo::testing {
namespace {

TEST(AttentionRolloutTest, OfTwoLayersByHand) {
  // One layer mixes: everybody sees token 0. Half stays with the residual: [1, 0], [1/2, 1/2].
  const auto to_first = torch::tensor({{{1.0, 0.0}, {1.0, 0.0}}});  // [H, T, T]
  EXPECT_TRUE(attention_rollout({to_first})
                  .allclose(torch::tensor({{1.0, 0.0}, {0.5, 0.5}}, torch::kDouble)));
  EXPECT_TRUE(attention_rollout({to_first, to_first})
                  .allclose(torch::tensor({{1.0, 0.0}, {0.75, 0.25}}, torch::kDouble)));
}

TEST(AttentionRolloutTest, LaterLayersMultiplyFromTheLeft) {
  torch::manual_seed(1);
  const auto a = torch::rand({3, 5, 5}, torch::kDouble).softmax(-1);
  const auto b = torch::rand({3, 5, 5}, torch::kDouble).softmax(-1);
  const auto mixed = [](const torch::Tensor& w) {
    return (w.mean(0) + torch::eye(5, torch::kDouble)) / 2.0;
  };
  const auto rollout = attention_rollout({a, b});
  EXPECT_TRUE(rollout.allclose(mixed(b).matmul(mixed(a))));
  EXPECT_TRUE(rollout.sum(-1).allclose(torch::ones({5}, torch::kDouble)));
}

TEST(AttentionRolloutTest, NoLayersAreRefused) { EXPECT_THROW(attention_rollout({}), c10::Error); }

}  // namespace
}  // namespace zoo::testing
