#include "infer/decode/decode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "infer/decode/row_memory.h"
#include "infer/generation/gpt_decoder.h"
#include "tests/infer/tiny_models.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;

TEST(DecodeTest, TheOptionsSayWhichStrategy) {
  EXPECT_EQ(strategy_of({}), Strategy::kSampling);
  EXPECT_EQ(strategy_of({.sampling = {.temperature = 0}}), Strategy::kGreedy);
  EXPECT_EQ(strategy_of({.beams = {.num_beams = 2}}), Strategy::kBeamSearch);
  EXPECT_EQ(strategy_of({.penalty_alpha = 0.6, .sampling = {.top_k = 4}}), Strategy::kContrastive);
  EXPECT_EQ(strategy_of({}, /*has_draft=*/true), Strategy::kSpeculative);
}

TEST(DecodeTest, RefusesOptionsThatDoNotGoTogether) {
  const auto message = [](const DecodeOptions& options, bool has_draft = false) -> std::string {
    try {
      strategy_of(options, has_draft);
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_THAT(message({.sampling = {.top_k = 3}, .beams = {.num_beams = 2}}),
              HasSubstr("top-k is for sampling"));
  EXPECT_THAT(message({.sampling = {.typical_p = 0.5}, .beams = {.num_beams = 2}}),
              HasSubstr("typical-p is for sampling"));
  EXPECT_THAT(message({.sampling = {.temperature = 0, .top_k = 3}}),
              HasSubstr("top-k is for sampling; temperature 0 draws nothing"));
  EXPECT_THAT(message({.sampling = {.top_k = 3}, .beams = {.num_beams = 2, .sample = true}}),
              HasSubstr("accepted"));
  EXPECT_THAT(message({.beams = {.num_beams = 2, .sample = true, .force_words = {{{1}}}}}),
              HasSubstr("force-words does not go with drawn beams"));
  EXPECT_THAT(message({.num_return_sequences = 3, .beams = {.num_beams = 2}}),
              HasSubstr("num-return-sequences must be at most num-beams, which is 2, got 3"));
  EXPECT_THAT(message({.beams = {.length_penalty = 2}}),
              HasSubstr("length-penalty is for beam search; give num-beams above 1"));
  EXPECT_THAT(message({.beams = {.early_stopping = EarlyStopping::kTrue}}),
              HasSubstr("early-stopping is for beam search"));
  EXPECT_THAT(message({.beams = {.num_beams = 2}}, true),
              HasSubstr("draft does not go with beams"));
  EXPECT_THAT(message({.penalty_alpha = 0.6}), HasSubstr("penalty-alpha needs top-k"));
  EXPECT_THAT(message({.penalty_alpha = 1.5}), HasSubstr("penalty-alpha must be from 0"));
  EXPECT_THAT(message({.penalty_alpha = 0.6, .sampling = {.top_k = 4, .top_p = 0.5}}),
              HasSubstr("top-p is for sampling; contrastive search draws nothing"));
  EXPECT_THAT(message({.penalty_alpha = 0.6, .sampling = {.top_k = 4}}, true),
              HasSubstr("draft does not go with contrastive search"));
  EXPECT_THAT(message({.num_return_sequences = 2, .penalty_alpha = 0.6, .sampling = {.top_k = 4}}),
              HasSubstr("num-return-sequences must be 1 for contrastive search"));
  EXPECT_THAT(message({.penalty_alpha = 0.6, .beams = {.num_beams = 2}}),
              HasSubstr("penalty-alpha does not go with beams"));
  EXPECT_THAT(message({.beams = {.num_beams = 4, .num_beam_groups = 3, .diversity_penalty = 1}}),
              HasSubstr("num-beam-groups must be a divisor of num-beams, which is 4, got 3"));
  EXPECT_THAT(message({.beams = {.num_beams = 4, .num_beam_groups = 2}}),
              HasSubstr("num-beam-groups needs a diversity-penalty"));
  EXPECT_THAT(message({.beams = {.num_beams = 4, .diversity_penalty = 1}}),
              HasSubstr("diversity-penalty is for groups of beams"));
  EXPECT_THAT(message({.beams = {.diversity_penalty = 1}}),
              HasSubstr("diversity-penalty is for beam search"));
  EXPECT_THAT(message({.beams = {.force_words = {{{1}}}}}),
              HasSubstr("force-words is for beam search"));
  EXPECT_THAT(
      message({.max_new_tokens = 2, .beams = {.num_beams = 2, .force_words = {{{1, 2, 3}}}}}),
      HasSubstr("force-words needs 3 tokens, more than max-new-tokens, which is 2"));
  EXPECT_THAT(message({.beams = {.num_beams = 2, .force_words = {{}}}}),
              HasSubstr("force-words must be words of at least one token"));
  EXPECT_THAT(message({.beams = {.num_beams = 0}}), HasSubstr("num-beams must be at least 1"));
}

TEST(DecodeTest, MoreRowsThanTheMachineHasMemoryForAreRefusedInOneLine) {
  EXPECT_NO_THROW(check_row_memory(1e6, 4, 1, 8));
  EXPECT_THAT([] { check_row_memory(1e6, 2147483647, 1, 1); },
              ::testing::ThrowsMessage<std::runtime_error>(
                  ::testing::AllOf(HasSubstr("2147483647 rows"), HasSubstr("--num-beams"))));
  EXPECT_THAT([] { check_row_memory(1e6, 1, 1 << 30, 64); },
              ::testing::ThrowsMessage<std::runtime_error>(HasSubstr("--num-return-sequences")));
}

TEST(DecodeTest, LengthsThatCountThePromptEndEachRowAtItsOwnPlace) {
  GptDecoder decoder(testing::tiny_gpt(testing::tiny_options()));
  const std::vector<std::vector<int64_t>> prompts = {{5}, {7, 8, 9}};
  for (const DecodeOptions& options :
       {DecodeOptions{.max_length = 6, .sampling = {.temperature = 0}},
        DecodeOptions{.max_length = 6, .beams = {.num_beams = 2}},
        DecodeOptions{.max_length = 6, .penalty_alpha = 0.5, .sampling = {.top_k = 2}}}) {
    const auto texts = decode(decoder, decoder.start(2), prompts, options);
    EXPECT_EQ(texts.at(0).tokens.size(), 5U);
    EXPECT_EQ(texts.at(1).tokens.size(), 3U);
  }
  EXPECT_THAT([&] { decode(decoder, decoder.start(2), prompts, {.max_length = 3}); },
              ::testing::ThrowsMessage<std::runtime_error>(
                  HasSubstr("prompt 2 has 3 tokens and max-length is 3")));
}

TEST(DecodeTest, TextsComeByPromptAndRankWithFallingScores) {
  GptDecoder decoder(testing::tiny_gpt(testing::tiny_options()));
  const std::vector<std::vector<int64_t>> prompts = {{5}, {7, 8}};
  const auto texts =
      decode(decoder, decoder.start(2), prompts,
             {.max_new_tokens = 6, .num_return_sequences = 3, .beams = {.num_beams = 4}});
  ASSERT_EQ(texts.size(), 6U);
  for (size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(texts[i].prompt, static_cast<int64_t>(i / 3));
    EXPECT_EQ(texts[i].sample, static_cast<int64_t>(i % 3));
    if (i % 3 > 0) {
      EXPECT_LE(texts[i].score, texts[i - 1].score);
    }
  }
}

}  // namespace
}  // namespace zoo
