// Stochastic depth, DropHead and the penalty on heads that agree reach every block of every family:
// both stacks of an encoder-decoder, both towers of CLIP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/option_error.h"
#include "models/clip/clip.h"
#include "models/layers/auxiliary_losses.h"
#include "tests/models/every_family.h"

namespace zoo {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

/// The blocks of each stack, by the name of their list: "encoder", "image.blocks".
std::map<std::string, std::vector<BlockOptions>> stacks_of(const torch::nn::Module& model) {
  std::map<std::string, std::vector<BlockOptions>> stacks;
  for (const auto& item : model.named_modules()) {
    const auto* block = item.value()->as<BlockImpl>();
    if (block != nullptr)
      stacks[item.key().substr(0, item.key().rfind('.'))].push_back(block->options);
  }
  return stacks;
}

void expect_regularised(const std::vector<BlockOptions>& blocks, double last, double heads,
                        double diversity) {
  const auto L = static_cast<double>(blocks.size());
  ASSERT_GT(blocks.size(), 1U);
  for (size_t n = 0; n < blocks.size(); ++n) {
    EXPECT_DOUBLE_EQ(blocks[n].drop_path, last * static_cast<double>(n) / (L - 1)) << n;
    EXPECT_DOUBLE_EQ(blocks[n].attention.head_dropout, heads) << n;
    EXPECT_DOUBLE_EQ(blocks[n].attention.head_diversity, diversity / L) << n;
  }
}

/// A model in training mode, in float64.
template <class Change>
testing::FamilyModel in_training(const testing::Family& family, Change change) {
  const auto model = family.make({.name = "changed", .stack = change});
  model.module->to(torch::kDouble);
  model.module->train();
  return model;
}

TEST(RegularisersTest, ReachEveryBlockOfEveryStack) {
  for (const auto& family : testing::every_family()) {
    SCOPED_TRACE(family.name);
    const auto model = in_training(family, [](StackOptions& o) {
      o.drop_path = 0.4;
      o.head_dropout = 0.3;
      o.head_diversity = 0.7;
    });
    const auto stacks = stacks_of(*model.module);
    EXPECT_EQ(stacks.size(), family.name == "transformer" ? 2U : 1U);
    for (const auto& [name, blocks] : stacks) expect_regularised(blocks, 0.4, 0.3, 0.7);
  }
}

ClipOptions small_clip() {
  ClipOptions o;
  o.image.image_size = 8;
  o.image.layers = 3;
  o.text.layers = 2;
  o.image.d_model = o.text.d_model = 12;
  o.image.heads = o.text.heads = 3;
  o.text.vocab_size = 17;
  return o;
}

TEST(RegularisersTest, ReachBothTowersOfClip) {
  ClipOptions o = small_clip();
  o.image.drop_path = 0.2, o.image.head_dropout = 0.3, o.image.head_diversity = 0.6;
  o.text.drop_path = 0.5, o.text.head_dropout = 0.1, o.text.head_diversity = 1.5;
  torch::manual_seed(3);
  Clip clip(o);
  const auto stacks = stacks_of(*clip);
  ASSERT_EQ(stacks.size(), 2U);
  expect_regularised(stacks.at("image.blocks"), 0.2, 0.3, 0.6);
  expect_regularised(stacks.at("text.blocks"), 0.5, 0.1, 1.5);

  const auto pixels = torch::randn({4, 3, 8, 8});
  const auto tokens = torch::randint(17, {4, 5}, torch::kLong);
  const auto images = [&] { return clip->embed_images(pixels); };
  const auto texts = [&] { return clip->embed_texts(tokens); };
  EXPECT_FALSE(torch::equal(images(), images()));  // another draw
  EXPECT_FALSE(torch::equal(texts(), texts()));
  AuxiliaryLosses auxiliary;
  images();
  const double of_images = auxiliary.means().at("head_similarity");
  texts();
  EXPECT_NE(auxiliary.means().at("head_similarity"), of_images);
  clip->eval();
  EXPECT_TRUE(torch::equal(images(), images()));
  EXPECT_TRUE(torch::equal(texts(), texts()));
}

/// The gradients of all attentions' input projections where the penalty has this weight.
std::map<std::string, torch::Tensor> attention_gradients(const testing::Family& family,
                                                         double weight) {
  const auto model = in_training(family, [&](StackOptions& o) { o.head_diversity = weight; });
  const AuxiliaryLosses auxiliary;
  model.protected_part(false).square().sum().backward();
  std::map<std::string, torch::Tensor> gradients;
  for (const auto& parameter : model.module->named_parameters()) {
    if (parameter.key().ends_with("attention.in_proj.weight"))
      gradients[parameter.key()] = parameter.value().grad();
  }
  return gradients;
}

TEST(RegularisersTest, ThePenaltyReachesEveryAttentionInProportionToItsWeight) {
  for (const auto& family : testing::every_family()) {
    const auto plain = attention_gradients(family, 0.0);
    const auto once = attention_gradients(family, 0.5), twice = attention_gradients(family, 1.0);
    EXPECT_EQ(plain.size(), family.name == "transformer" ? 6U : 2U) << family.name;
    for (const auto& [name, gradient] : plain) {
      const auto added = once.at(name) - gradient;
      EXPECT_GT(added.abs().max().item<double>(), 1e-8) << family.name << " " << name;
      EXPECT_TRUE(torch::allclose(twice.at(name) - gradient, 2 * added, 1e-6, 1e-9))
          << family.name << " " << name;
    }
  }
}

TEST(RegularisersTest, WithoutThemNoRandomNumberIsDrawn) {
  for (const auto& family : testing::every_family()) {
    const auto model = in_training(family, [](StackOptions& o) { o.head_diversity = 0.5; });
    torch::manual_seed(8);
    const auto next = torch::rand({3});
    if (family.name == "transformer") continue;  // its small preset has dropout
    torch::manual_seed(8);
    model.protected_part(false);
    EXPECT_TRUE(torch::equal(torch::rand({3}), next)) << family.name;
  }
}

TEST(RegularisersTest, ValuesThatNoModelCanHaveAreNamed) {
  const auto refusal = [](auto change) -> std::string {
    ClipOptions o = small_clip();
    change(o);
    try {
      check(o);
    } catch (const OptionError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(refusal([](ClipOptions& o) { o.text.head_dropout = 1.0; }),
            "text-head-dropout must be in [0, 1), got 1");
  EXPECT_EQ(refusal([](ClipOptions& o) { o.image.head_dropout = -0.1; }),
            "image-head-dropout must be in [0, 1), got -0.1");
  EXPECT_EQ(refusal([](ClipOptions& o) { o.image.head_diversity = -1; }),
            "image-head-diversity must be 0 or more, got -1");
  EXPECT_EQ(refusal([](ClipOptions& o) { o.text.heads = 1, o.text.head_dropout = 0.5; }),
            "text-head-dropout must be 0 with text-heads 1, got 0.5");
  EXPECT_EQ(refusal([](ClipOptions& o) { o.image.heads = 1, o.image.head_diversity = 2; }),
            "image-head-diversity must be 0 with image-heads 1, got 2");
}

}  // namespace
}  // namespace zoo
