// Laws that hold for every GPT: order of time, independence of rows, gradients.
#include "models/gpt/gpt.h"
#include "base/option_error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn/functional/loss.h>

#include <functional>

#include "base/option_error.h"
#include "tests/models/attention/kernel_support.h"
#include "tests/models/gpt/tiny_gpts.h"
#include "tests/support/gradient_check.h"
#include "tests/support/refusal.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using testing::torch_error_of;

class GptTest : public testing::EveryGptTest {};

TEST_P(GptTest, FutureTokensDoNotReachThePast) {
  const torch::NoGradGuard no_grad;
  const auto before = tokens(2, 9);
  const auto wanted = gpt(before);
  ASSERT_EQ(wanted.sizes(), (std::vector<int64_t>{2, 9, 17}));
  for (int64_t t = 1; t < 9; ++t) {
    auto changed = before.clone();
    changed.narrow(1, t, 9 - t).add_(5).remainder_(17);
    const auto got = gpt(changed);
    EXPECT_TRUE(torch::equal(got.narrow(1, 0, t), wanted.narrow(1, 0, t))) << t;
    EXPECT_FALSE(close(got.select(1, t), wanted.select(1, t))) << t;
  }
}

TEST_P(GptTest, TheLastLogitsDependOnEveryToken) {
  const auto before = tokens(1, 6);
  const auto wanted = gpt(before).select(1, 5);
  for (int64_t t = 0; t < 6; ++t) {
    auto changed = before.clone();
    changed.select(1, t).add_(3).remainder_(17);
    EXPECT_FALSE(close(gpt(changed).select(1, 5), wanted)) << t;
  }
}

TEST_P(GptTest, ABatchEqualsItsRowsOneByOne) {
  const torch::NoGradGuard no_grad;
  const auto batch = tokens(3, 7);
  const auto together = gpt(batch);
  for (int64_t b = 0; b < 3; ++b)
    EXPECT_TRUE(close(together.narrow(0, b, 1), gpt(batch.narrow(0, b, 1))));
}

TEST_P(GptTest, PaddingDoesNotChangeOtherTokens) {
  const torch::NoGradGuard no_grad;
  const auto batch = tokens(2, 7);
  const auto alone = gpt(batch.narrow(0, 1, 1).narrow(1, 0, 4));
  const GptContext at_the_end{.args = {.key_lengths = torch::tensor({7, 4}, torch::kLong)}};
  const auto padded = gpt->forward(batch, at_the_end);
  EXPECT_TRUE(close(padded.narrow(0, 0, 1), gpt(batch.narrow(0, 0, 1))));
  EXPECT_TRUE(close(padded.narrow(0, 1, 1).narrow(1, 0, 4), alone));
}

TEST_P(GptTest, PaddingOnTheLeftDoesNotChangeTheTokensAfterIt) {
  const GptOptions& o = GetParam().options;
  if (o.global_tokens > 0 || o.attention_blocks != BlockPattern::kNone)
    GTEST_SKIP() << "its first tokens, or blocks, are counted from the padding on";
  const torch::NoGradGuard no_grad;
  const auto batch = tokens(2, 7);
  const auto is_real = torch::arange(7).ge(torch::tensor({0, 3}, torch::kLong).view({2, 1, 1, 1}));
  const auto places =
      (torch::arange(7).unsqueeze(0) - torch::tensor({{0}, {3}}, torch::kLong)).clamp_min(0);
  const auto forward = [&] {
    return gpt->forward(batch, {.positions = places, .args = {.may_attend = is_real}});
  };
  if (has_mixers(gpt->options)) {
    EXPECT_THAT(testing::torch_error_of(forward),
                ::testing::HasSubstr("hides padding at the end of a text only"));
    return;
  }
  if (gpt->options.sinks > 0 || gpt->options.self_extend > 1) {
    EXPECT_THAT(testing::torch_error_of(forward),
                ::testing::HasSubstr("position ids of the caller do not go with sinks"));
    return;
  }
  const auto padded = forward();
  EXPECT_TRUE(padded.isfinite().all().item<bool>());
  EXPECT_TRUE(close(padded.narrow(0, 0, 1), gpt(batch.narrow(0, 0, 1))));
  const auto alone = gpt(batch.narrow(0, 1, 1).narrow(1, 3, 4));
  EXPECT_TRUE(close(padded.narrow(0, 1, 1).narrow(1, 3, 4), alone));
}

TEST_P(GptTest, EveryKernelGivesTheSameLogits) {
  const torch::NoGradGuard no_grad;
  const auto batch = tokens(2, 9);
  const auto wanted = gpt(batch);
  for (const auto& kernel : testing::kernels_on_the_cpu()) {
    auto options = GetParam().options;
    options.attention = kernel;
    torch::manual_seed(8);
    Gpt other(options);
    other->eval();
    EXPECT_TRUE(close(other(batch), wanted)) << kernel;
  }
}

TEST_P(GptTest, GradientsMatchFiniteDifferences) {
  gpt->to(torch::kDouble);
  const auto batch = tokens(2, 6);
  const auto inputs = batch.narrow(1, 0, 5), targets = batch.narrow(1, 1, 5).reshape({-1});
  const auto loss = [&] {
    return torch::nn::functional::cross_entropy(gpt(inputs).flatten(0, 1), targets);
  };
  testing::expect_gradients_match_differences(loss, gpt->parameters(), 6);
}

TEST_P(GptTest, TracesHiddenStatesAndAttentions) {
  auto options = GetParam().options;
  options.attention = "matmul";
  Gpt traced(options);
  Trace trace{.hidden_states = true, .attentions = true};
  const auto batch = tokens(2, 5);
  const auto last = traced->hidden(batch, {.trace = &trace});
  const int64_t layers = traced->options.layers;
  EXPECT_TRUE(torch::equal(trace.tensors.at("hidden_states." + std::to_string(layers)), last));
  for (const char* name : {"hidden_states.0", "hidden_states.1"})
    EXPECT_EQ(trace.tensors.at(name).sizes(), last.sizes());
  for (int64_t layer = 0; layer < layers; ++layer) {
    // A mixer has no weights to show.
    const bool shown = trace.tensors.contains("attentions." + std::to_string(layer));
    ASSERT_EQ(shown, mixer_of_layer(traced->options, layer) == MixerKind::kSoftmax);
    if (!shown) continue;
    const auto& weights = trace.tensors.at("attentions." + std::to_string(layer));
    const int64_t H = block_options(traced->options, layer).attention.heads;
    ASSERT_EQ(weights.sizes(), (std::vector<int64_t>{2, H, 5, 5}));
    EXPECT_TRUE(torch::allclose(weights.sum(-1), torch::ones({2, H, 5})));
  }
}

INSTANTIATE_TEST_SUITE_P(Models, GptTest, ::testing::ValuesIn(testing::tiny_gpts()),
                         testing::gpt_name);

torch::Tensor some_tokens() { return torch::randint(17, {2, 9}, torch::kLong); }

Gpt seeded(const GptOptions& options) {
  torch::manual_seed(8);
  return Gpt(options);
}

TEST(GptDropoutTest, EachOfTheThreeSitesDropsInTrainingOnly) {
  using Site = double GptOptions::*;
  for (const Site site :
       {Site{&GptOptions::embedding_dropout}, Site{&GptOptions::attention_dropout},
        Site{&GptOptions::residual_dropout}}) {
    auto options = testing::tiny_gpt();
    const auto batch = some_tokens();
    const auto without = seeded(options)(batch);
    options.*site = 0.5;
    auto gpt = seeded(options);
    const auto first = gpt(batch);
    EXPECT_FALSE(torch::allclose(first, gpt(batch)));
    EXPECT_FALSE(torch::allclose(first, without));
    gpt->eval();
    EXPECT_TRUE(torch::equal(gpt(batch), without));
  }
}

TEST(GptScaleTest, EmbeddingsAreScaledByTheRootOfTheWidth) {
  auto options = testing::tiny_gpt();
  options.tie_embeddings = false;
  options.position = PositionKind::kNone;
  auto plain = seeded(options);
  options.scale_embeddings = true;
  auto scaled = seeded(options);
  const torch::NoGradGuard no_grad;
  plain->token_embedding->weight.mul_(4);  // sqrt(16)
  const auto batch = some_tokens();
  EXPECT_TRUE(torch::allclose(scaled(batch), plain(batch), 1e-4, 1e-5));
}

TEST(GptScaleTest, ScoresAreScaledByHeadWidthAndLayer) {
  auto options = testing::tiny_gpt();
  auto plain = seeded(options);
  options.scale_attention = false;
  options.scale_by_layer = true;
  auto other = seeded(options);
  const torch::NoGradGuard no_grad;
  for (int64_t n = 0; n < 2; ++n) {  // into the queries instead: sqrt(Dh) = 2
    auto& attention = plain->blocks->at<BlockImpl>(static_cast<size_t>(n)).attention;
    attention->in_proj->weight.narrow(0, 0, 16).mul_(2.0 / static_cast<double>(n + 1));
    attention->in_proj->bias.narrow(0, 0, 16).mul_(2.0 / static_cast<double>(n + 1));
  }
  const auto batch = some_tokens();
  EXPECT_TRUE(torch::allclose(other(batch), plain(batch), 1e-4, 1e-5));
}

TEST(GptErrorsTest, ASequenceLongerThanTheContextIsRefused) {
  auto gpt = seeded(testing::tiny_gpt());
  const auto batch = torch::zeros({1, 13}, torch::kLong);
  EXPECT_THAT(torch_error_of([&] { gpt(batch); }),
              HasSubstr("Gpt: a sequence of 13 tokens is longer than the model's context of 12"));
  auto cache = gpt->make_cache(1, 20);
  gpt->forward(batch.narrow(1, 0, 12), {.cache = &cache});
  EXPECT_THAT(torch_error_of([&] { gpt->forward(batch.narrow(1, 0, 1), {.cache = &cache}); }),
              HasSubstr("Gpt: a sequence of 13 tokens is longer than the model's context of 12"));
}

TEST(GptErrorsTest, TokenIdsOutsideTheVocabularyAreNamed) {
  const auto check = [](std::vector<int64_t> ids) {
    check_token_ids(torch::tensor(ids, torch::kLong).unsqueeze(0), 17, "generate");
  };
  EXPECT_NO_THROW(check({0, 16}));
  EXPECT_NO_THROW(check({}));
  EXPECT_THAT(torch_error_of([&] {
                check({3, 17, 40});
              }),
              HasSubstr("generate: token id 17 is outside the vocabulary of 17 (0 to 16)"));
  EXPECT_THAT(torch_error_of([&] { check({3, -1}); }), HasSubstr("generate: token id -1 is"));
}

TEST(GptErrorsTest, OptionsThatDoNotFitAreRefused) {
  const auto refused = [](const std::function<void(GptOptions&)>& change) {
    auto options = testing::tiny_gpt();
    change(options);
    return torch_error_of([&] { Gpt gpt(options); });
  };
  EXPECT_THAT(refused([](auto& o) { o.vocab_size = 0; }),
              HasSubstr("Gpt: vocab_size must be positive, got 0"));
  EXPECT_THAT(refused([](auto& o) { o.attention = "quick"; }),
              HasSubstr("attention: unknown kernel 'quick'; known are: "));
  auto headless = testing::tiny_gpt();
  headless.heads = 0;
  EXPECT_THAT([&] { Gpt gpt(headless); },
              ::testing::ThrowsMessage<OptionError>("heads must be 1 or more, got 0"));
}

TEST(GptErrorsTest, OptionsAreCheckedBeforeAVocabularyIsKnown) {
  const auto refused = [](auto change) { return testing::refusal(GptOptions(), change); };
  EXPECT_EQ(refused([](auto&) {}), "");
  EXPECT_EQ(refused([](auto& o) { o = GptOptions::gpt2_large(); }), "");
  EXPECT_EQ(refused([](auto& o) { o.layers = 0; }), "layers must be 1 or more, got 0");
  EXPECT_EQ(refused([](auto& o) { o.kv_heads = 3; }),
            "kv-heads must divide heads (or be 0: as many), got 3 and 4");
  EXPECT_THAT(refused([](auto& o) { o.heads = 5; }), HasSubstr("d-model must be a multiple"));
  EXPECT_EQ(refused([](auto& o) { o.embedding_dropout = 1.5; }),
            "embedding-dropout must be in [0, 1), got 1.5");
  EXPECT_EQ(refused([](auto& o) { o.norm_epsilon = std::nan(""); }),
            "norm-epsilon must be 0 or more, got nan");
  EXPECT_THAT(refused([](auto& o) { o.position = PositionKind::kRotary, o.head_width = 5; }),
              HasSubstr("head-width must be even"));
}

TEST(GptTraceTest, WeightsAreFormedWhateverTheKernel) {
  const torch::NoGradGuard no_grad;
  const auto batch = some_tokens();
  const auto weights = [&](const std::string& kernel) {
    auto options = testing::tiny_gpt();
    options.attention = kernel;
    auto gpt = seeded(options);
    gpt->eval();
    Trace trace{.attentions = true, .tensors = {}};
    gpt->forward(batch, {.trace = &trace});
    return trace.tensors.at("attentions.1");
  };
  EXPECT_TRUE(torch::allclose(weights("torch"), weights("matmul"), 1e-4, 1e-5));
}

}  // namespace
}  // namespace zoo
