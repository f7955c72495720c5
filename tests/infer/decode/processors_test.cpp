#include "infer/decode/processors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/files.h"
#include "infer/generation/generation_settings.h"

namespace zoo {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

DecodeOptions options_of(const json& golden, const json& settings) {
  DecodeOptions options{.max_new_tokens = golden.at("max_new_tokens"), .eos_ids = golden.at("eos")};
  EXPECT_EQ(take_settings(settings, {}, options).size(), settings.size()) << settings.dump();
  return options;
}

std::vector<RowTokens> rows_of(const json& golden, const json& example,
                               const std::vector<std::vector<int64_t>>& sources) {
  std::vector<RowTokens> rows;
  for (const auto& ids : golden.at("input_ids")) {
    auto tokens = ids.get<std::vector<int64_t>>();
    tokens.resize(example.at("length"));
    rows.push_back({.all = tokens,
                    .prompt_length = example.at("prompt"),
                    .longest = golden.at("max_new_tokens"),
                    .source = sources.at(rows.size())});
  }
  return rows;
}

torch::Tensor scores_of(const json& values) {
  std::vector<float> scores;
  for (const auto& value : values) {
    scores.push_back(value.is_null() ? -std::numeric_limits<float>::infinity()
                                     : value.get<float>());
  }
  return torch::tensor(scores);
}

// Golden: the reference's processors, one by one and together, in its order.
TEST(ProcessorsTest, GiveTheScoresOfTransformers) {
  const auto golden = json::parse(read_file("tests/golden/logits_processors.json"));
  ASSERT_GE(golden.at("cases").size(), 40U);
  const auto logits = scores_of(golden.at("logits")).view({-1, golden.at("vocab")});
  const std::vector<std::vector<int64_t>> sources = golden.at("source_ids");
  for (const auto& example : golden.at("cases")) {
    const auto processors = logits_processors(options_of(golden, example.at("options")));
    const auto ours = process(logits, rows_of(golden, example, sources), processors);
    const auto theirs = scores_of(example.at("scores")).view(ours.sizes());
    EXPECT_TRUE(ours.allclose(theirs, 2e-5, 1e-6)) << example.dump() << '\n' << ours;
  }
}

TEST(ProcessorsTest, WithoutOptionsThereAreNone) { EXPECT_TRUE(logits_processors({}).empty()); }

TEST(ProcessorsTest, AForcedPrefixComesTokenByTokenAfterTheForcedFirstOne) {
  DecodeOptions options;
  options.processors = {.forced_bos_token_id = 3, .forced_prefix = {1, 2}};
  const auto processors = logits_processors(options);
  std::vector<RowTokens> rows = {{.all = {0}, .prompt_length = 1}};
  for (const int64_t expected : {3, 1, 2}) {
    const auto scores = process(torch::zeros({1, 4}), rows, processors);
    EXPECT_EQ(scores.isneginf().sum().item<int64_t>(), 3);
    EXPECT_EQ(scores.argmax().item<int64_t>(), expected);
    rows[0].all.push_back(expected);
  }
  EXPECT_TRUE(process(torch::zeros({1, 4}), rows, processors).equal(torch::zeros({1, 4})));
}

// The reference's group beam search: what groups have taken counts before the penalties do.
TEST(ProcessorsTest, TokensThatGroupsHaveTakenLoseBeforeRepetitionsDo) {
  DecodeOptions options;
  options.processors = {.sequence_bias = {{{1}, -1.0}}, .repetition_penalty = 2.0};
  options.beams = {.num_beams = 2, .num_beam_groups = 2, .diversity_penalty = 3.0};
  std::vector<int64_t> taken;
  const auto processors = logits_processors(options, &taken);
  const std::vector<RowTokens> rows = {{.all = {1}, .prompt_length = 1}};
  const auto score = [&] { return process(torch::zeros({1, 3}), rows, processors)[0][1]; };
  EXPECT_EQ(score().item<float>(), -2.0F);
  taken = {1, 2, 1};
  EXPECT_EQ(score().item<float>(), -14.0F);  // (0 - 1 - 2 * 3) * 2
}

TEST(ProcessorsTest, NewTokensGoBeforeTheLengthWithThePrompt) {
  DecodeOptions options{.min_new_tokens = 1, .eos_ids = {2}};
  options.processors.min_length = 9;
  const auto is_forbidden = [&](int64_t length) {
    const RowTokens row{.all = std::vector<int64_t>(static_cast<size_t>(length), 0),
                        .prompt_length = 3};
    return process(torch::zeros({1, 3}), {&row, 1}, logits_processors(options))[0][2]
        .isneginf()
        .item<bool>();
  };
  EXPECT_TRUE(is_forbidden(3));
  EXPECT_FALSE(is_forbidden(4));
  options.min_new_tokens = 0;
  EXPECT_FALSE(is_forbidden(3));
  options.min_new_tokens.reset();
  EXPECT_TRUE(is_forbidden(8));
  EXPECT_FALSE(is_forbidden(9));
}

TEST(ProcessorsTest, IdsPastTheUsableVocabularyAreForbidden) {
  const auto scores = process(torch::zeros({1, 4}), std::vector<RowTokens>(1),
                              logits_processors({.usable_vocab = 3}));
  EXPECT_EQ(scores.isneginf().sum().item<int64_t>(), 1);
  EXPECT_TRUE(scores[0][3].isneginf().item<bool>());
}

TEST(ProcessorsTest, RefusesValuesThatMeanNothing) {
  const auto message = [](const ProcessorOptions& options) -> std::string {
    try {
      check(options);
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(message({}), "accepted");
  EXPECT_THAT(message({.repetition_penalty = 0}), HasSubstr("repetition-penalty must be positive"));
  EXPECT_THAT(message({.repetition_penalty = 1e300}), HasSubstr("repetition-penalty"));
  EXPECT_THAT(message({.presence_penalty = std::nan("")}), HasSubstr("presence-penalty"));
  EXPECT_THAT(message({.frequency_penalty = 1e300}),
              HasSubstr("frequency-penalty must be between -1e6 and 1e6, got 1e+300"));
  EXPECT_THAT(message({.no_repeat_ngram_size = -1}), HasSubstr("no-repeat-ngram-size"));
  EXPECT_THAT(message({.min_length = -1}), HasSubstr("min-length"));
  EXPECT_THAT(message({.suppress_tokens = {-4}}),
              HasSubstr("suppress-tokens must be 0 or positive, got -4"));
  EXPECT_THAT(message({.forced_eos_token_id = {-1}}), HasSubstr("forced-eos-token-id"));
  EXPECT_THAT(message({.bad_words = {{1}, {}}}),
              HasSubstr("bad-words must be words of at least one token, got an empty one"));
}

// The largest values that are allowed make no infinity of a usual logit.
TEST(ProcessorsTest, HugePenaltiesLeaveFiniteScores) {
  const auto logits = torch::tensor({{80.F, -80.F, 0.F}});
  const std::vector<RowTokens> rows = {{.all = {0, 1, 2}, .prompt_length = 0}};
  for (const double repetition : {1e-6, 1e6}) {
    for (const double other : {-1e6, 1e6}) {
      DecodeOptions options;
      options.processors = {
          .repetition_penalty = repetition, .presence_penalty = other, .frequency_penalty = other};
      EXPECT_TRUE(process(logits, rows, logits_processors(options)).isfinite().all().item<bool>());
    }
  }
}

}  // namespace
}  // namespace zoo
