// What a GPT consists of: names, sizes and first values of its parameters, and the presets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "models/gpt/gpt.h"
#include "tests/models/gpt/tiny_gpts.h"
#include "tests/models/parameters.h"

namespace zoo {
namespace {

using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using testing::parameter_count;
using testing::parameter_lines;

// The names below are the schema of checkpoints and of optimizer states: renaming one breaks files.
TEST(GptSchemaTest, ParametersOfGpt2sShape) {
  auto options = testing::tiny_gpt();
  options.layers = 1;
  EXPECT_THAT(
      parameter_lines(*Gpt(options)),
      ElementsAreArray(
          {"token_embedding.weight 17 16", "position.table.weight 12 16",
           "blocks.0.attention_norm.weight 16", "blocks.0.attention_norm.bias 16",
           "blocks.0.attention.in_proj.weight 48 16", "blocks.0.attention.in_proj.bias 48",
           "blocks.0.attention.out_proj.weight 16 16", "blocks.0.attention.out_proj.bias 16",
           "blocks.0.feed_forward_norm.weight 16", "blocks.0.feed_forward_norm.bias 16",
           "blocks.0.feed_forward.in_proj.weight 64 16", "blocks.0.feed_forward.in_proj.bias 64",
           "blocks.0.feed_forward.out_proj.weight 16 64", "blocks.0.feed_forward.out_proj.bias 16",
           "final_norm.weight 16", "final_norm.bias 16"}));
}

TEST(GptSchemaTest, ParametersOfLlamasShape) {
  auto options = testing::tiny_gpts()[4].options;  // 4 heads of 6, one key-value head
  options.layers = 1;
  options.feed_forward = 40;
  EXPECT_THAT(
      parameter_lines(*Gpt(options)),
      ElementsAreArray(
          {"token_embedding.weight 17 16", "blocks.0.attention_norm.weight 16",
           "blocks.0.attention.in_proj.weight 36 16", "blocks.0.attention.out_proj.weight 16 24",
           "blocks.0.feed_forward_norm.weight 16", "blocks.0.feed_forward.in_proj.weight 80 16",
           "blocks.0.feed_forward.out_proj.weight 16 40", "final_norm.weight 16",
           "lm_head.weight 17 16"}));
}

TEST(GptSchemaTest, PostNormHasNoNormAfterTheStack) {
  auto options = testing::tiny_gpt();
  options.norm_place = NormPlace::kPost;
  for (const auto& line : parameter_lines(*Gpt(options)))
    EXPECT_THAT(line, ::testing::Not(HasSubstr("final_norm")));
}

/// Number of parameters by the papers' sizes, without building the model.
int64_t count_by_formula(const GptOptions& o) {
  const int64_t C = o.d_model, H = o.heads, Hkv = o.kv_heads > 0 ? o.kv_heads : H;
  const int64_t Dh = o.head_width > 0 ? o.head_width : C / H;
  const int64_t F = o.feed_forward > 0 ? o.feed_forward : 4 * C;
  const int64_t gate = o.activation == Activation::kSwiglu ? 2 : 1;
  const int64_t norm = o.norm == NormKind::kLayer && o.norm_bias ? 2 * C : C;
  const int64_t in_rows = (H + 2 * Hkv) * Dh;
  const int64_t attention = in_rows * C + H * Dh * C + (o.attention_bias ? in_rows + C : 0);
  const int64_t feed_forward = (gate + 1) * F * C + (o.feed_forward_bias ? gate * F + C : 0);
  const bool xl = o.position == PositionKind::kTransformerXl;
  return (o.tie_embeddings ? 1 : 2) * o.vocab_size * C +
         (o.position == PositionKind::kLearned ? o.context * C : 0) +
         (o.position == PositionKind::kBucketed ? o.relative.buckets * H : 0) +
         (xl ? 2 * H * Dh : 0) +
         o.layers * (attention + feed_forward + 2 * norm + (xl ? Hkv * Dh * C : 0)) +
         (o.norm_place == NormPlace::kPre ? norm : 0);
}

TEST(GptSchemaTest, TheFormulaCountsWhatModelsHave) {
  std::mt19937 random(9);
  const auto coin = [&] { return random() % 2 == 0; };
  for (int n = 0; n < 100; ++n) {
    auto o = testing::tiny_gpt();
    o.layers = 1 + random() % 3;
    o.kv_heads = coin() ? 0 : 2;
    o.head_width = coin() ? 0 : 6;
    o.feed_forward = coin() ? 0 : 20;
    o.activation = coin() ? Activation::kGelu : Activation::kSwiglu;
    o.position = static_cast<PositionKind>(random() % 7);
    o.norm = coin() ? NormKind::kLayer : NormKind::kRms;
    o.norm_place = coin() ? NormPlace::kPre : NormPlace::kPost;
    o.norm_bias = coin();
    o.attention_bias = coin();
    o.feed_forward_bias = coin();
    o.tie_embeddings = coin();
    EXPECT_EQ(parameter_count(*Gpt(o)), count_by_formula(o)) << n;
  }
}

TEST(GptPresetTest, PublishedSizesHaveThePublishedNumberOfParameters) {
  EXPECT_EQ(count_by_formula(GptOptions::gpt2()), 124'439'808);
  EXPECT_EQ(count_by_formula(GptOptions::gpt2_medium()), 354'823'168);
  EXPECT_EQ(count_by_formula(GptOptions::gpt2_large()), 774'030'080);
  EXPECT_EQ(count_by_formula(GptOptions::gpt2_xl()), 1'557'611'200);
  EXPECT_EQ(count_by_formula(GptOptions::llama_7b()), 6'738'415'616);
  EXPECT_EQ(count_by_formula(GptOptions::llama3_8b()), 8'030'261'248);
}

TEST(GptPresetTest, ClassroomSizesAreAlike) {
  auto tiny = GptOptions::tiny(), llama = GptOptions::llama_tiny();
  tiny.vocab_size = llama.vocab_size = 65;
  EXPECT_EQ(parameter_count(*Gpt(tiny)), 809'856);
  EXPECT_NEAR(static_cast<double>(parameter_count(*Gpt(llama))), 809'856, 0.1 * 809'856);
}

TEST(GptPresetTest, AreFoundByName) {
  EXPECT_EQ(GptOptions::preset("gpt2-medium").layers, 24);
  EXPECT_EQ(GptOptions::preset("llama3-8b").kv_heads, 8);
  for (const char* name : {"tiny", "gpt2", "gpt2-large", "gpt2-xl", "llama-tiny", "llama-7b"})
    EXPECT_NO_THROW(GptOptions::preset(name)) << name;
  try {
    GptOptions::preset("gpt9");
    ADD_FAILURE() << "gpt9 is known";
  } catch (const std::invalid_argument& error) {
    EXPECT_THAT(error.what(), HasSubstr("unknown preset 'gpt9'; known are: tiny, gpt2, "));
    EXPECT_THAT(error.what(), HasSubstr("llama3-8b"));
  }
}

TEST(GptInitialisationTest, FollowsGpt2) {
  auto options = GptOptions::tiny();
  options.vocab_size = 200;
  options.tie_embeddings = false;
  torch::manual_seed(10);
  const Gpt gpt(options);
  const double residual = 0.02 / std::sqrt(2.0 * 4);
  for (const auto& p : gpt->named_parameters()) {
    SCOPED_TRACE(p.key());
    if (p.key().ends_with("bias")) {
      EXPECT_TRUE(p.value().eq(0).all().item<bool>());
    } else if (p.key().find("norm") != std::string::npos) {
      EXPECT_TRUE(p.value().eq(1).all().item<bool>());
    } else {
      const double wanted = p.key().ends_with("out_proj.weight") ? residual : 0.02;
      const double n = static_cast<double>(p.value().numel());
      EXPECT_NEAR(p.value().std().item<double>(), wanted, 4 * wanted / std::sqrt(2 * n));
      EXPECT_NEAR(p.value().mean().item<double>(), 0.0, 4 * wanted / std::sqrt(n));
    }
  }
}

TEST(GptInitialisationTest, OneSeedGivesOneModel) {
  const auto make = [](uint64_t seed) {
    torch::manual_seed(seed);
    return Gpt(testing::tiny_gpt())->token_embedding->weight.detach();
  };
  EXPECT_TRUE(torch::equal(make(1), make(1)));
  EXPECT_FALSE(torch::equal(make(1), make(2)));
}

TEST(GptTyingTest, TheOutputLayerIsTheTokenEmbedding) {
  Gpt tied(testing::tiny_gpt());
  EXPECT_TRUE(tied->lm_head.is_empty());
  const auto h = torch::randn({2, 3, 16});
  EXPECT_TRUE(torch::allclose(tied->logits_of(h),
                              torch::matmul(h, tied->token_embedding->weight.t()), 1e-5, 1e-6));
}

TEST(GptTyingTest, ATiedWeightLearnsFromBothEnds) {
  auto options = testing::tiny_gpt();
  Gpt tied(options);
  options.tie_embeddings = false;
  Gpt untied(options);
  {
    const torch::NoGradGuard no_grad;
    const auto values = tied->named_parameters();
    for (auto& p : untied->named_parameters()) {
      p.value().copy_(p.key() == "lm_head.weight" ? tied->token_embedding->weight
                                                  : values[p.key()]);
    }
  }
  const auto batch = torch::randint(17, {2, 6}, torch::kLong);
  tied(batch).square().sum().backward();
  untied(batch).square().sum().backward();
  const auto both = untied->token_embedding->weight.grad() + untied->lm_head->weight.grad();
  EXPECT_TRUE(torch::allclose(tied->token_embedding->weight.grad(), both, 1e-4, 1e-3));
}

}  // namespace
}  // namespace zoo
