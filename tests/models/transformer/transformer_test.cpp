// The laws of an encoder-decoder, on small models that between them use every option.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <ostream>
#include <string>

#include "models/cost/transformer_cost.h"
#include "models/transformer/transformer.h"
#include "tests/models/parameters.h"
#include "tests/support/gradient_check.h"
#include "tests/support/refusal.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;

struct NamedTransformer {
  std::string name;
  TransformerOptions options;
};
/// GoogleTest would print the bytes, those that belong to no member included.
void PrintTo(const NamedTransformer& named, std::ostream* out) { *out << named.name; }

TransformerOptions tiny() {
  TransformerOptions o = TransformerOptions::tiny();
  o.vocab_size = 17;
  o.context = 12;
  o.d_model = 12;
  o.heads = 3;
  o.decoder_layers = 2;
  o.feed_forward = 20;
  return o;
}

std::vector<NamedTransformer> transformers() {
  const auto paper = tiny();
  auto pre = paper;
  pre.norm_place = NormPlace::kPre;
  pre.decoder_heads = 2;
  pre.decoder_feed_forward = 7;
  pre.sinusoids = SinusoidOrder::kInterleaved;
  pre.tie_embeddings = false;
  pre.activation = Activation::kSilu;
  auto bart = paper;
  bart.position = PositionKind::kLearned;
  bart.position_offset = 2;
  bart.norm_embeddings = true;
  bart.scale_embeddings = false;
  bart.output_bias = true;
  bart.init_std = 0.3;
  bart.activation = Activation::kGelu;
  auto apart = paper;
  apart.share_embeddings = false;
  apart.source_vocab_size = 9;
  apart.position = PositionKind::kRotary;
  apart.activation = Activation::kSwiglu;
  auto t5 = pre;
  t5.position = PositionKind::kBucketed;
  t5.relative = {.buckets = 8, .max_distance = 6};
  t5.norm = NormKind::kRms;
  auto flan = t5;
  flan.head_width = 5;
  flan.attention_bias = flan.feed_forward_bias = flan.scale_attention = false;
  flan.activation = Activation::kGegluTanh;
  flan.scale_embeddings = false;
  flan.scale_output = true;
  flan.context = 0;  // any length
  auto mbart = bart;
  mbart.norm_place = NormPlace::kPre;
  auto alibi = paper;
  alibi.position = PositionKind::kAlibi;
  return {{"Paper", paper},           {"PreNorm", pre}, {"Bart", bart}, {"T5", t5},
          {"TwoVocabularies", apart}, {"Alibi", alibi}, {"Flan", flan}, {"Mbart", mbart}};
}

class TransformerTest : public ::testing::TestWithParam<NamedTransformer> {
 protected:
  TransformerTest() {
    torch::manual_seed(5);
    model = Transformer(GetParam().options);
    model->eval();
    source = torch::randint(model->source_vocab_size(), {3, 7}, torch::kLong);
    target = torch::randint(model->target_vocab_size(), {3, 5}, torch::kLong);
  }
  Transformer model{nullptr};
  torch::Tensor source, target;  // [3, 7], [3, 5]
  torch::NoGradGuard no_grad;
};

TEST_P(TransformerTest, FutureTargetsDoNotReachThePast) {
  const auto before = model->forward(source, {}, target);
  auto changed = target.clone();
  changed.select(1, 3).add_(1).remainder_(model->target_vocab_size());
  const auto after = model->forward(source, {}, changed);
  EXPECT_TRUE(torch::equal(before.narrow(1, 0, 3), after.narrow(1, 0, 3)));
  EXPECT_FALSE(torch::allclose(before.select(1, 4), after.select(1, 4)));
}

TEST_P(TransformerTest, EverySourceTokenReachesEveryTarget) {
  const auto before = model->forward(source, {}, target);
  for (int64_t s = 0; s < source.size(1); ++s) {
    auto changed = source.clone();
    changed.select(1, s).add_(1).remainder_(model->source_vocab_size());
    const auto moved = (model->forward(changed, {}, target) - before).abs().amax(-1);  // [B, T]
    EXPECT_GT(moved.min().item<float>(), 0.0f) << "source token " << s;
  }
}

TEST_P(TransformerTest, PaddingAndBatchMatesChangeNothing) {
  const auto lengths = torch::tensor({7, 4, 1}, torch::kLong);
  const auto together = model->forward(source, lengths, target);
  for (int64_t b = 0; b < 3; ++b) {
    const int64_t S = lengths[b].item<int64_t>();
    const auto alone = model->forward(source.narrow(0, b, 1).narrow(1, 0, S), {},
                                      target.narrow(0, b, 1).narrow(1, 0, 4));
    EXPECT_TRUE(torch::allclose(together[b].narrow(0, 0, 4), alone[0], 1e-4, 1e-5)) << b;
  }
}

TEST_P(TransformerTest, EveryKernelGivesTheSameLogits) {
  const auto lengths = torch::tensor({7, 4, 6}, torch::kLong);
  const auto expected = model->forward(source, lengths, target);
  for (const char* kernel : {"loops", "matmul", "blocked", "online", "flash"}) {
    auto options = GetParam().options;
    options.attention = kernel;
    Transformer other(options);
    for (const auto& item : other->named_parameters())
      item.value().copy_(model->named_parameters()[item.key()]);
    other->eval();
    EXPECT_TRUE(torch::allclose(other->forward(source, lengths, target), expected, 1e-4, 1e-5))
        << kernel;
  }
}

TEST_P(TransformerTest, DecodingWithACacheEqualsReadingAllAtOnce) {
  const auto lengths = torch::tensor({7, 4, 6}, torch::kLong);
  const auto memory =
      model->cross_keys_values(model->encode(source, {.key_lengths = lengths}), lengths);
  const auto all_at_once = model->decode(target, memory);
  auto cache = model->make_cache(3, 12);
  for (int64_t t = 0; t < target.size(1); ++t) {
    const auto step = model->decode(target.narrow(1, t, 1), memory, {.cache = &cache});
    EXPECT_TRUE(torch::allclose(step.select(1, 0), all_at_once.select(1, t), 1e-4, 1e-5)) << t;
  }
}

TEST_P(TransformerTest, GradientsReachEveryParameterAndMatchFiniteDifferences) {
  const torch::AutoGradMode with_gradients(true);
  model->to(torch::kDouble);
  const auto lengths = torch::tensor({7, 4, 6}, torch::kLong);
  const auto loss = [&] { return model->forward(source, lengths, target).square().mean(); };
  loss().backward();
  for (const auto& item : model->named_parameters())
    EXPECT_TRUE(item.value().grad().defined() && item.value().grad().abs().max().item<double>() > 0)
        << item.key();
  testing::expect_gradients_match_differences(loss, model->parameters(), 4);
}

INSTANTIATE_TEST_SUITE_P(Models, TransformerTest, ::testing::ValuesIn(transformers()),
                         [](const auto& info) { return info.param.name; });

TEST(TransformerPresetTest, PublishedSizesHaveThePublishedNumberOfParameters) {
  const auto millions = [](const TransformerOptions& options) {
    return std::round(static_cast<double>(testing::parameter_count(*Transformer(options))) / 1e6);
  };
  // Vaswani et al. 2017, Table 3, says 65 for base; with 37000 pieces of vocabulary it is 63.
  EXPECT_EQ(millions(TransformerOptions::base()), 63);
  EXPECT_EQ(millions(TransformerOptions::bart_base()), 139);
  EXPECT_EQ(cost_of(TransformerOptions::t5_small(), 1).parameters, 60'506'624);
  EXPECT_EQ(cost_of(TransformerOptions::flan_t5_small(), 1).parameters, 76'961'152);
  EXPECT_EQ(cost_of(TransformerOptions::mbart_large(), 1).parameters, 610'851'840);
  EXPECT_THAT([] { TransformerOptions::preset("huge"); },
              ::testing::ThrowsMessage<std::invalid_argument>(
                  HasSubstr("known are: tiny, small, base, big, marian, bart-base")));
}

TEST(TransformerInitialisationTest, MatricesAreGlorotUniformEachForItself) {
  auto options = tiny();
  options.d_model = 64;
  options.heads = 4;
  torch::manual_seed(1);
  const Transformer model(options);
  const auto& attention = model->encoder->at<BlockImpl>(0).attention;
  const double bound = std::sqrt(6.0 / (64 + 64));  // Glorot & Bengio 2010, Eq. 16
  for (const auto& matrix : attention->in_proj->weight.chunk(3, 0)) {
    EXPECT_LE(matrix.abs().max().item<double>(), bound);
    EXPECT_GT(matrix.abs().max().item<double>(), 0.98 * bound);
  }
  EXPECT_NEAR(model->source_embedding->weight.std().item<double>(), 0.125, 0.01);
}

TEST(TransformerErrorsTest, OptionsThatDoNotFitAreNamed) {
  const auto refused = [](auto change) { return testing::refusal(tiny(), change); };
  EXPECT_EQ(refused([](auto&) {}), "");
  EXPECT_THAT(refused([](auto& o) { o.heads = 5; }),
              HasSubstr("d-model must be a multiple of heads, got 12 and 5"));
  EXPECT_THAT(refused([](auto& o) { o.decoder_heads = 7; }), HasSubstr("decoder-heads"));
  EXPECT_THAT(refused([](auto& o) { o.dropout = 1.0; }), HasSubstr("dropout must be in [0, 1)"));
  EXPECT_THAT(refused([](auto& o) { o.decoder_layers = 0; }),
              HasSubstr("decoder-layers must be 1 or more, got 0"));
  EXPECT_THAT(refused([](auto& o) {
                o.position = PositionKind::kRotary;
                o.heads = 4;
              }),
              HasSubstr("head-width must be even"));
}

TEST(TransformerOptionsTest, AScaledOutputDividesTheLogitsByTheRootOfTheWidth) {
  auto options = tiny();
  Transformer plain(options);
  options.scale_output = true;
  Transformer scaled(options);
  const torch::NoGradGuard no_grad;
  scaled->target_embedding->weight.copy_(plain->target_embedding->weight);
  const auto hidden = torch::randn({2, 3, 12});
  EXPECT_TRUE(
      torch::allclose(scaled->logits_of(hidden), plain->logits_of(hidden) / std::sqrt(12.0)));
}

TEST(TransformerOptionsTest, OnlyPositionsWithoutATableAllowAnyLength) {
  const auto refused = [](PositionKind kind) {
    return testing::refusal(tiny(), [=](auto& o) { o.position = kind, o.context = 0; });
  };
  EXPECT_EQ(refused(PositionKind::kBucketed), "");
  EXPECT_EQ(refused(PositionKind::kAlibi), "");
  EXPECT_EQ(refused(PositionKind::kLearned), "context must be 1 or more, got 0");
  EXPECT_EQ(refused(PositionKind::kSinusoidal), "context must be 1 or more, got 0");
}

TEST(TransformerErrorsTest, ASequenceLongerThanTheContextIsRefused) {
  Transformer model(tiny());
  const auto long_one = torch::zeros({1, 13}, torch::kLong), short_one = long_one.narrow(1, 0, 2);
  for (const bool source_too_long : {true, false}) {
    try {
      model->forward(source_too_long ? long_one : short_one, {},
                     source_too_long ? short_one : long_one);
      FAIL() << "was read";
    } catch (const c10::Error& error) {
      EXPECT_THAT(error.what_without_backtrace(),
                  HasSubstr("a sequence of 13 tokens is longer than the model's context of 12"));
    }
  }
}

}  // namespace
}  // namespace zoo
