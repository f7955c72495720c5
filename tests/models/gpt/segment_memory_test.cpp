// Segment memory: reading segment by segment is reading the whole text, where each segment sees
// itself and the last tokens before it.
#include "models/attention/segment_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/option_error.h"
#include "models/gpt/gpt.h"
#include "models/gpt/length_options.h"
#include "tests/models/gpt/tiny_gpts.h"
#include "tests/support/gradient_check.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using testing::torch_error_of;

GptOptions with_memory(int64_t segment, int64_t memory,
                       PositionKind kind = PositionKind::kTransformerXl) {
  GptOptions o = testing::tiny_gpt();
  o.position = kind;
  o.context = segment;
  o.memory = memory;
  return o;
}

Gpt segment_model(const GptOptions& options) {
  torch::manual_seed(8);
  Gpt gpt(options);
  gpt->eval();
  return gpt;
}

torch::Tensor segment_tokens(int64_t B, int64_t T) {
  return torch::randint(17, {B, T}, torch::kLong);
}

/// The logits of all segments, each of which sees what the ones before have left.
torch::Tensor by_segments(Gpt& gpt, const torch::Tensor& tokens, SegmentMemory memory) {
  std::vector<torch::Tensor> parts;
  const int64_t T = tokens.size(1), length = gpt->options.context;
  for (int64_t start = 0; start < T; start += length) {
    const auto segment = tokens.narrow(1, start, std::min(length, T - start));
    parts.push_back(gpt->forward(segment, {.memory = &memory}));
    EXPECT_EQ(memory.length(), std::min(start + segment.size(1), gpt->options.memory));
  }
  return torch::cat(parts, 1);
}

std::vector<GptOptions> segment_models() {
  std::vector<GptOptions> all;
  for (const int64_t memory : {2, 5, 13}) all.push_back(with_memory(5, memory));
  for (const auto& [kind, name] : EnumNames<PositionKind>::values)
    if (is_relative(kind)) all.push_back(with_memory(5, 7, kind));
  GptOptions modern = with_memory(5, 6, PositionKind::kRotary);
  modern.kv_heads = 2;
  modern.qk_norm = true;
  modern.norm_place = NormPlace::kSandwich;
  modern.window = 4;
  modern.window_pattern = "LG";
  all.push_back(modern);
  GptOptions post = with_memory(5, 6);
  post.norm_place = NormPlace::kPost;
  all.push_back(post);
  GptOptions parallel = with_memory(5, 6);
  parallel.parallel = ParallelBranches::kTwoNorms;
  parallel.pruned_heads = "0:1,3 1:2";
  parallel.experts = 3;
  all.push_back(parallel);
  return all;
}

TEST(SegmentMemoryTest, SegmentsGiveTheLogitsOfTheWholeText) {
  const torch::NoGradGuard no_grad;
  for (const GptOptions& options : segment_models()) {
    SCOPED_TRACE(std::string(name_of(options.position)) + " " + std::to_string(options.memory));
    auto gpt = segment_model(options);
    const auto tokens = segment_tokens(2, 23);
    const auto whole = gpt(tokens);
    EXPECT_TRUE(by_segments(gpt, tokens, gpt->make_memory()).allclose(whole, 1e-4, 1e-5));
    auto cache = gpt->make_cache(2, 1000);
    std::vector<torch::Tensor> parts;
    for (const auto& piece : tokens.split_with_sizes({3, 9, 1, 1, 9}, 1))
      parts.push_back(gpt->forward(piece, {.cache = &cache}));
    EXPECT_TRUE(torch::cat(parts, 1).allclose(whole, 1e-4, 1e-5));
  }
}

TEST(SegmentMemoryTest, ASegmentOfOneTokenSeesAWindow) {
  const torch::NoGradGuard no_grad;
  auto gpt = segment_model(with_memory(1, 4));
  GptOptions local = with_memory(64, 0);
  local.window = 5;
  auto twin = segment_model(local);
  const auto tokens = segment_tokens(2, 19);
  const auto wanted = twin(tokens);
  EXPECT_TRUE(by_segments(gpt, tokens, gpt->make_memory()).allclose(wanted, 1e-4, 1e-5));
  EXPECT_TRUE(gpt(tokens).allclose(wanted, 1e-4, 1e-5));
}

TEST(SegmentMemoryTest, EveryLayerAddsToHowFarATokenSees) {
  const torch::NoGradGuard no_grad;
  const auto tokens = segment_tokens(1, 20);
  auto changed = tokens.clone();
  changed[0][6] = (changed[0][6] + 1) % 17;
  for (const int64_t layers : {1, 2}) {
    GptOptions options = with_memory(5, 3);
    options.layers = layers;
    auto gpt = segment_model(options);
    const auto a = by_segments(gpt, tokens, gpt->make_memory());
    const auto b = by_segments(gpt, changed, gpt->make_memory());
    const auto differs = (a - b).abs().amax(-1)[0].gt(1e-6);  // [20]
    // Segment 5 .. 9 holds it, but not its last three tokens; those of 10 .. 14 have seen these.
    EXPECT_FALSE(differs.narrow(0, 0, 6).any().item<bool>());
    EXPECT_TRUE(differs.narrow(0, 6, 4).all().item<bool>());
    EXPECT_EQ(differs.narrow(0, 10, 5).all().item<bool>(), layers == 2);
    EXPECT_FALSE(differs.narrow(0, 15, 5).any().item<bool>());
  }
}

TEST(SegmentMemoryTest, GradientsStopAtTheMemory) {
  for (const auto place : {NormPlace::kPre, NormPlace::kPost}) {
    GptOptions options = with_memory(4, 6);
    options.norm_place = place;
    auto gpt = segment_model(options);
    gpt->to(torch::kDouble);
    SegmentMemory memory = gpt->make_memory();
    gpt->forward(segment_tokens(2, 4), {.memory = &memory});
    for (const auto& layer : memory.layers) EXPECT_FALSE(layer.requires_grad());
    const auto segment = segment_tokens(2, 4);
    const auto upstream = torch::randn({2, 4, 17}, torch::kDouble);
    testing::expect_gradients_match_differences(
        [&] {
          SegmentMemory snapshot = memory;
          return (gpt->forward(segment, {.memory = &snapshot}) * upstream).mean();
        },
        gpt->parameters(), 4);
    EXPECT_EQ(memory.length(), 4);  // a copy is a snapshot
  }
}

TEST(SegmentMemoryTest, AMemoryOfAnotherSizeNeedsNoOtherWeights) {
  const torch::NoGradGuard no_grad;
  auto gpt = segment_model(with_memory(5, 3));
  const auto options = with_lengths(gpt->options, {.context = 8, .memory = 11});
  EXPECT_EQ(options.context, 8);
  auto other = segment_model(options);
  const auto tokens = segment_tokens(1, 21);
  EXPECT_TRUE(by_segments(other, tokens, other->make_memory()).allclose(other(tokens), 1e-4, 1e-5));
  EXPECT_FALSE(gpt(tokens).allclose(other(tokens), 1e-4, 1e-5));
}

TEST(SegmentMemoryTest, RefusesWhatIsNoSegment) {
  auto gpt = segment_model(with_memory(5, 3));
  auto memory = gpt->make_memory();
  const auto refusal = [&](const torch::Tensor& tokens, GptContext context) {
    context.memory = &memory;
    return torch_error_of([&] { gpt->forward(tokens, context); });
  };
  EXPECT_THAT(refusal(segment_tokens(1, 6), {}), HasSubstr("a segment has at most the 5 tokens"));
  EXPECT_THAT(refusal(segment_tokens(1, 5), {.positions = torch::arange(5).unsqueeze(0)}),
              HasSubstr("no position ids"));
  auto cache = gpt->make_cache(1, 20);
  EXPECT_THAT(refusal(segment_tokens(1, 5), {.cache = &cache}), HasSubstr("has no cache"));
  AttendArgs padded;
  padded.key_lengths = torch::tensor({3}, torch::kLong);
  EXPECT_THAT(refusal(segment_tokens(1, 5), {.args = padded}), HasSubstr("no padding"));
  gpt->forward(segment_tokens(2, 5), {.memory = &memory});
  EXPECT_THAT(refusal(segment_tokens(1, 5), {}), HasSubstr("is of 2 texts, the segment of 1"));
  EXPECT_THAT(torch_error_of([] { segment_model(with_memory(5, 0))->make_memory(); }),
              HasSubstr("has no segment memory"));
}

TEST(SegmentMemoryTest, RefusesOptionsWithoutSenseInOneLine) {
  const auto refusal = [](const auto& change) -> std::string {
    GptOptions o = with_memory(5, 3);
    change(o);
    try {
      check(o);
    } catch (const OptionError& error) {
      EXPECT_EQ(error.field(), "memory");
      return error.with_dashes();
    }
    return "";
  };
  EXPECT_EQ(refusal([](GptOptions&) {}), "");
  EXPECT_THAT(refusal([](GptOptions& o) { o.memory = -1; }), HasSubstr("must be 0 or more"));
  EXPECT_THAT(refusal([](GptOptions& o) { o.memory = int64_t{1} << 40; }), HasSubstr("at most"));
  for (const auto kind : {PositionKind::kLearned, PositionKind::kSinusoidal}) {
    EXPECT_THAT(refusal([&](GptOptions& o) { o.position = kind; }),
                HasSubstr("--memory must be 0 with --position " + std::string(name_of(kind))));
  }
  EXPECT_THAT(refusal([](GptOptions& o) {
                o.position = PositionKind::kRotary;
                o.rotary = {.scaling = RotaryScaling::kDynamic, .original_context = 4};
              }),
              HasSubstr("--rotary-scaling dynamic"));
  EXPECT_THAT(refusal([](GptOptions& o) { o.mixer_pattern = "softmax,retention"; }),
              HasSubstr("--mixer"));
  EXPECT_THAT(refusal([](GptOptions& o) { o.prefix_lm = true; }), HasSubstr("--prefix-lm"));
  EXPECT_THAT(refusal([](GptOptions& o) { o.future_tokens = 1; }), HasSubstr("--future-tokens"));
  EXPECT_THAT(refusal([](GptOptions& o) { o.window = 3, o.global_tokens = 1; }),
              HasSubstr("--global-tokens"));
  EXPECT_THAT(refusal([](GptOptions& o) { o.attention_blocks = BlockPattern::kFixed; }),
              HasSubstr("--attention-blocks"));
  EXPECT_THAT(refusal([](GptOptions& o) {
                o.position = PositionKind::kNone;
                o.latent_width = 4;
              }),
              HasSubstr("--latent-width"));
}

}  // namespace
}  // namespace zoo
