#include "infer/analysis/head_importance.h"

#include <gtest/gtest.h>
#include <torch/nn/functional/loss.h>

#include "tests/infer/analysis/by_hand.h"
#include "tests/infer/tiny_models.h"

namespace zoo {
namespace {

std::vector<NamedAttention> layers_of(Gpt& model) {
  std::vector<NamedAttention> layers;
  for (size_t n = 0; n < model->blocks->size(); ++n)
    layers.push_back(
        {"layer " + std::to_string(n), model->blocks->at<BlockImpl>(n).attention.get()});
  return layers;
}

ExampleLoss next_token_loss(Gpt& model, const std::vector<int64_t>& ids) {
  const auto tokens = torch::tensor(ids, torch::kLong).unsqueeze(0);
  return [&model, tokens] {
    return torch::nn::functional::cross_entropy(model->forward(tokens.slice(1, 0, -1))[0],
                                                tokens[0].slice(0, 1));
  };
}

TEST(HeadImportanceTest, OnlyTheHeadThatCarriesTheAnswerMatters) {
  // Of "a b a b ..." the next token is the previous one: head 1 of layer 0 copies it.
  const int64_t P = 6, V = 5;
  auto model = testing::readable_gpt(P, V, /*layers=*/2, /*heads=*/2);
  auto& attention = *model->blocks->at<BlockImpl>(0).attention;
  testing::look_at(attention, 1, testing::shifted(P, -1));
  testing::copy_tokens(attention, 1, P, 0.3);
  const auto layers = layers_of(model);
  const auto result = head_importance(layers, {next_token_loss(model, {3, 1, 3, 1, 3, 1})});
  for (const auto& table : {result.gradient, result.ablation}) {
    EXPECT_GT(table[0][1].item<double>(), 0.01);
    auto others = table.clone();
    others[0][1] = 0;
    EXPECT_LT(others.abs().max().item<double>(), 1e-6);
  }
  for (const auto& curve : {result.by_gradient, result.by_ablation}) {
    ASSERT_EQ(curve.losses.size(), 5U);
    EXPECT_EQ(curve.heads.back(), (std::pair<int64_t, int64_t>(0, 1)));
    EXPECT_NEAR(curve.losses[3], result.loss, 1e-6);
    EXPECT_NEAR(curve.losses[4] - result.loss, result.ablation[0][1].item<double>(), 1e-6);
  }
}

TEST(HeadImportanceTest, TheGradientIsThatOfAGateOnTheHead) {
  auto model = testing::tiny_gpt(testing::tiny_options(PositionKind::kRotary, 2));
  model->to(torch::kDouble);
  const auto layers = layers_of(model);
  const auto loss = next_token_loss(model, {1, 5, 2, 8, 3});
  const auto before = layers[1].layer->out_proj->weight.detach().clone();
  const auto result = head_importance(layers, {loss});
  EXPECT_TRUE(layers[1].layer->out_proj->weight.equal(before)) << "the weights are given back";
  EXPECT_NEAR(result.loss, loss().item<double>(), 1e-12);
  const torch::NoGradGuard no_grad;
  const auto gated = [&](double gate) {
    auto columns = layers[1].layer->out_proj->weight.narrow(1, 2 * 6, 6);  // head 2 of width 6
    const auto kept = columns.clone();
    columns.mul_(gate);
    const double value = loss().item<double>();
    columns.copy_(kept);
    return value;
  };
  const double slope = (gated(1.001) - gated(0.999)) / 0.002;
  EXPECT_NEAR(result.gradient[1][2].item<double>(), std::abs(slope), 1e-6);
  EXPECT_NEAR(result.ablation[1][2].item<double>(), gated(0) - result.loss, 1e-9);
}

TEST(HeadImportanceTest, GradientsOfExamplesDoNotCancel) {
  auto model = testing::tiny_gpt(testing::tiny_options());
  const auto layers = layers_of(model);
  const auto one = next_token_loss(model, {1, 5, 2, 8, 3}),
             other = next_token_loss(model, {4, 4, 9});
  const auto both = head_importance(layers, {one, other}).gradient;
  const auto mean =
      (head_importance(layers, {one}).gradient + head_importance(layers, {other}).gradient) / 2;
  EXPECT_TRUE(both.allclose(mean, 1e-5, 1e-7));
}

}  // namespace
}  // namespace zoo
