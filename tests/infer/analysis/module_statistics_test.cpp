#include "infer/analysis/module_statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn/functional/loss.h>

#include <algorithm>

#include "infer/analysis/module_watch.h"
#include "models/vision/vit.h"
#include "tests/infer/tiny_models.h"

namespace zoo {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const ModuleStatistics& find(const std::vector<ModuleStatistics>& all, const std::string& name) {
  const auto found = std::ranges::find(all, name, &ModuleStatistics::module);
  if (found == all.end()) throw std::runtime_error("no module " + name);
  return *found;
}

GptOptions four_layers() {
  GptOptions o = testing::tiny_options();
  o.layers = 4;
  o.init_std = 0.1;
  return o;
}

std::vector<ModuleStatistics> statistics(Gpt& model) {
  const auto tokens = torch::tensor({{1, 5, 2, 8, 3}});
  return module_statistics(*model, [&] {
    return torch::nn::functional::cross_entropy(model->forward(tokens.slice(1, 0, -1))[0],
                                                tokens[0].slice(0, 1));
  });
}

TEST(ModuleStatisticsTest, OfValuesTheyAreThoseOfTheFormulas) {
  const auto s = statistics_of(torch::tensor({{0.0, 3.0}, {-5.0, 0.0}}));
  EXPECT_DOUBLE_EQ(s.mean, -0.5);
  EXPECT_NEAR(s.rms, std::sqrt(34.0 / 4), 1e-12);
  EXPECT_NEAR(s.std, std::sqrt(34.0 / 4 - 0.25), 1e-12);
  EXPECT_EQ(s.zeros, 0.5);
  EXPECT_EQ(s.largest, 5);
}

TEST(ModuleStatisticsTest, EveryModuleOfAPassIsSeenOnceWithWhatItGave) {
  auto model = testing::tiny_gpt(testing::tiny_options());
  const auto tokens = torch::tensor({{1, 5, 2}});
  torch::Tensor logits;
  const auto seen = watch_modules(*model, [&] { logits = model->forward(tokens); });
  std::vector<std::string> names;
  for (const auto& one : seen) names.push_back(one.weight);
  const std::string block = "blocks.1.";
  ASSERT_EQ(names.size(), 2 + 2 * 6 + 2U);  // two tables, two blocks, norm, output layer
  EXPECT_EQ(names.front(), "token_embedding.weight");
  EXPECT_THAT(
      std::vector<std::string>(names.end() - 8, names.end()),
      ElementsAre(block + "attention_norm.weight", block + "attention.in_proj.weight",
                  block + "attention.out_proj.weight", block + "feed_forward_norm.weight",
                  block + "feed_forward.in_proj.weight", block + "feed_forward.out_proj.weight",
                  "final_norm.weight", "token_embedding.weight"));
  EXPECT_TRUE(seen.back().output.equal(logits));
  auto& network = *model->blocks->at<BlockImpl>(1).feed_forward;
  const auto norm_output = seen[seen.size() - 5].output;
  EXPECT_TRUE(seen[seen.size() - 4].output.allclose(network.in_proj(norm_output)))
      << "with its bias";
}

TEST(ModuleStatisticsTest, ALayerThatIsScaledByAThousandStandsOut) {
  auto model = testing::tiny_gpt(four_layers());
  for (const auto& one : statistics(model)) EXPECT_THAT(one.marks, IsEmpty()) << one.module;
  {
    const torch::NoGradGuard no_grad;
    model->blocks->at<BlockImpl>(2).feed_forward->in_proj->weight.mul_(1000);
  }
  const auto all = statistics(model);
  EXPECT_THAT(find(all, "blocks.2.feed_forward.in_proj").marks,
              ::testing::Contains("exploding output"));
  EXPECT_THAT(find(all, "blocks.1.feed_forward.in_proj").marks,
              ::testing::Not(::testing::Contains("exploding output")));
  EXPECT_GT(find(all, "blocks.2.feed_forward.in_proj").saturated,
            find(all, "blocks.1.feed_forward.in_proj").saturated);
}

TEST(ModuleStatisticsTest, ALayerThatGivesNothingVanishesAndOneWithNanExplodes) {
  auto model = testing::tiny_gpt(four_layers());
  const torch::NoGradGuard no_grad;
  model->blocks->at<BlockImpl>(1).attention->in_proj->weight.mul_(1e-3);
  auto& last = model->blocks->at<BlockImpl>(3);
  last.feed_forward->out_proj->weight.zero_();
  const auto all = statistics(model);
  EXPECT_THAT(find(all, "blocks.1.attention.in_proj").marks,
              ::testing::Contains("vanishing output"));
  const auto& still = find(all, "blocks.3.feed_forward.out_proj");
  EXPECT_THAT(still.marks, ::testing::Contains("vanishing output"));
  EXPECT_EQ(still.output->zeros, 1);
  EXPECT_EQ(still.weight_rms, 0);
  EXPECT_THAT(find(all, "blocks.3.feed_forward.in_proj").marks,
              ::testing::Contains("vanishing gradient"));
  last.feed_forward->out_proj->bias[0] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(find(statistics(model), "blocks.3.feed_forward.out_proj").marks,
              ::testing::Contains("exploding output"));
}

TEST(ModuleStatisticsTest, GradientsAreThoseOfTheLossAndLeaveGradAlone) {
  auto model = testing::tiny_gpt(testing::tiny_options(PositionKind::kRotary, 2));
  const auto all = statistics(model);
  auto& weight = model->blocks->at<BlockImpl>(0).attention->out_proj->weight;
  EXPECT_FALSE(weight.grad().defined());
  const auto tokens = torch::tensor({{1, 5, 2, 8, 3}});
  torch::nn::functional::cross_entropy(model->forward(tokens.slice(1, 0, -1))[0],
                                       tokens[0].slice(0, 1))
      .backward();
  EXPECT_NEAR(*find(all, "blocks.0.attention.out_proj").gradient_rms,
              weight.grad().square().mean().sqrt().item<double>(), 1e-7);
}

TEST(ModuleStatisticsTest, ImagesAndDeadUnitsAndAPassWithoutLoss) {
  torch::manual_seed(1);
  VitOptions o = VitOptions::pixels28();
  o.layers = 2;
  o.activation = Activation::kRelu;
  Vit model(o);
  model->eval();
  {
    const torch::NoGradGuard no_grad;  // a quarter of the units never fires, the others always do
    auto& network = *model->blocks->at<BlockImpl>(1).feed_forward;
    network.in_proj->bias.fill_(100);
    network.in_proj->bias.slice(0, 0, network.in_proj->bias.size(0) / 4).fill_(-100);
  }
  const auto all = module_statistics(*model, [&] {
    model->forward(torch::rand({1, 1, 28, 28}));
    return torch::Tensor();
  });
  EXPECT_EQ(find(all, "blocks.1.feed_forward.in_proj").saturated, 0.25);
  EXPECT_TRUE(find(all, "patch_embedding.projection").output.has_value());
  EXPECT_FALSE(find(all, "head").gradient_rms.has_value());
  EXPECT_FALSE(find(all, "class_token").output.has_value());
}

}  // namespace
}  // namespace zoo
