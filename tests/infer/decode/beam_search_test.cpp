#include "infer/decode/beam/beam_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/files.h"
#include "infer/decode/beam/beam_candidates.h"
#include "infer/decode/beam/hypotheses.h"
#include "infer/decode/generate.h"
#include "infer/generation/gpt_decoder.h"
#include "models/pretrained/gpt/gpt_checkpoint.h"
#include "tests/infer/decode/table_model.h"
#include "tests/infer/tiny_models.h"

namespace zoo {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TableModel;
using testing::tiny_gpt;
using testing::tiny_options;
using PromptList = std::vector<std::vector<int64_t>>;

std::vector<Generation> beams(const Gpt& model, const PromptList& prompts,
                              const DecodeOptions& options, bool use_cache = true) {
  GptDecoder decoder(model, use_cache);
  auto state = decoder.start(std::ssize(prompts));
  return beam_search(decoder, *state, prompts, options);
}

std::vector<Generation> beams_of_table(const torch::Tensor& table, const PromptList& prompts,
                                       const DecodeOptions& options) {
  TableModel model(table);
  TableModel::State state(std::ssize(prompts));
  return beam_search(model, state, prompts, options);
}

DecodeOptions wide(int64_t beams, int64_t tokens) {
  return {.max_new_tokens = tokens,
          .num_return_sequences = beams,
          .beams = {.num_beams = beams, .early_stopping = EarlyStopping::kNever}};
}

void expect_same(const std::vector<Generation>& ours, const std::vector<Generation>& theirs) {
  ASSERT_EQ(ours.size(), theirs.size());
  for (size_t i = 0; i < ours.size(); ++i) {
    EXPECT_EQ(ours[i].tokens, theirs[i].tokens);
    EXPECT_NEAR(ours[i].score, theirs[i].score, 1e-4);
  }
}

DecodeOptions options_of(const json& example) {
  const json& named = example.at("options");
  DecodeOptions o{.max_new_tokens = named.at("max-new-tokens"),
                  .min_new_tokens = named.value("min-new-tokens", int64_t{0}),
                  .num_return_sequences = named.value("num-return-sequences", int64_t{1}),
                  .eos_ids = example.at("eos")};
  o.beams.num_beams = named.at("num-beams");
  o.beams.length_penalty = named.value("length-penalty", 1.0);
  const json stopping = named.value("early-stopping", json(false));
  o.beams.early_stopping =
      parse_enum<EarlyStopping>(stopping.is_string() ? "never" : stopping.dump());
  o.processors.repetition_penalty = named.value("repetition-penalty", 1.0);
  o.processors.no_repeat_ngram_size = named.value("no-repeat-ngram-size", int64_t{0});
  if (named.contains("forced-eos-token-id")) {
    o.processors.forced_eos_token_id = {named.at("forced-eos-token-id").get<int64_t>()};
  }
  return o;
}

// Golden: sequences and scores of the reference, all prompts in one batch.
TEST(BeamSearchTest, GivesTheTextsAndScoresOfTransformers) {
  at::set_num_threads(1);
  const auto model = load_gpt("tests/golden/gpt2", {});
  const auto golden = json::parse(read_file("tests/golden/beam_search.json"));
  ASSERT_GE(golden.at("cases").size(), 15U);
  for (const auto& example : golden.at("cases")) {
    const auto ours = beams(model, golden.at("prompts"), options_of(example));
    size_t at = 0;
    for (size_t p = 0; p < golden.at("prompts").size(); ++p) {
      int64_t rank = 0;
      for (const auto& text : example.at("texts").at(p)) {
        ASSERT_LT(at, ours.size());
        EXPECT_EQ(ours[at].prompt, static_cast<int64_t>(p));
        EXPECT_EQ(ours[at].sample, rank++);
        EXPECT_EQ(json(ours[at].tokens), text.at("tokens")) << example.at("options");
        EXPECT_NEAR(ours[at].score, text.at("score").get<double>(), 2e-4) << example.at("options");
        ++at;
      }
    }
    EXPECT_EQ(at, ours.size());
  }
}

/// Every text of up to `longest` tokens and its log-probability under a table, from token 0; token
/// `eos` ends a text.
void all_texts(const torch::Tensor& log_probs, int64_t eos, int64_t longest,
               const std::vector<int64_t>& text, double sum,
               std::multimap<double, std::vector<int64_t>, std::greater<>>& found,
               double length_penalty) {
  if (!text.empty() && (text.back() == eos || std::ssize(text) == longest)) {
    found.emplace(sum / std::pow(std::ssize(text), length_penalty), text);
    return;
  }
  const int64_t last = text.empty() ? 0 : text.back();
  for (int64_t token = 0; token < log_probs.size(1); ++token) {
    auto longer = text;
    longer.push_back(token);
    all_texts(log_probs, eos, longest, longer, sum + log_probs[last][token].item<double>(), found,
              length_penalty);
  }
}

TEST(BeamSearchTest, WideEnoughItFindsTheBestOfAllTexts) {
  torch::manual_seed(4);
  const auto table = torch::randn({3, 3});
  for (const double length_penalty : {0.0, 0.7, 1.5}) {
    auto options = wide(81, 4);
    options.eos_ids = {2};
    options.beams.length_penalty = length_penalty;
    const auto ours = beams_of_table(table, {{0}}, options);
    std::multimap<double, std::vector<int64_t>, std::greater<>> found;
    all_texts(table.log_softmax(-1), 2, 4, {}, 0, found, length_penalty);
    ASSERT_EQ(ours.size(), found.size());
    // Texts of the same pairs of tokens have equal scores and stand in any order.
    std::set<std::vector<int64_t>> our_texts, texts;
    size_t rank = 0;
    for (const auto& [score, text] : found) {
      EXPECT_NEAR(ours[rank].score, score, 1e-5);
      our_texts.insert(ours[rank++].tokens);
      texts.insert(text);
    }
    EXPECT_EQ(our_texts, texts);
  }
}

TEST(BeamSearchTest, OneBeamIsGreedy) {
  const auto model = tiny_gpt(tiny_options());
  auto options = wide(1, 20);
  const auto ours = beams(model, {{5, 9, 2}, {7}}, options);
  options.sampling.temperature = 0;
  GptDecoder decoder(model);
  const auto greedy = generate(decoder, decoder.start(2), PromptList{{5, 9, 2}, {7}}, options);
  for (size_t p = 0; p < 2; ++p) {
    EXPECT_EQ(ours[p].tokens, greedy[p].tokens);
    EXPECT_NEAR(ours[p].score, greedy[p].log_prob() / 20, 1e-4);
    EXPECT_NEAR(ours[p].log_prob(), greedy[p].log_prob(), 1e-3);
  }
}

TEST(BeamSearchTest, CachedUncachedBatchedAndAloneAreTheSame) {
  for (const auto& [name, kind] : testing::every_kind_of_gpt()) {
    const auto model = tiny_gpt(kind);
    auto options = wide(3, 24);  // past the context
    options.eos_ids = {3, 11};
    const PromptList prompts = {{5, 9, 2}, {7}, {28, 0, 1, 2, 3, 4, 5, 6}};
    const auto together = beams(model, prompts, options);
    expect_same(beams(model, prompts, options, false), together);
    std::vector<Generation> alone;
    for (const auto& prompt : prompts) {
      for (auto& generation : beams(model, {prompt}, options)) alone.push_back(generation);
    }
    expect_same(alone, together);
  }
}

TEST(BeamSearchTest, LengthPenaltiesByHand) {
  const BeamOptions length{.length_penalty = 2.0};
  EXPECT_DOUBLE_EQ(length_normalised(-18, 3, length), -2.0);
  const BeamOptions gnmt{.length_penalty = 2.0, .length_penalty_form = LengthPenalty::kGnmt};
  EXPECT_DOUBLE_EQ(length_normalised(-18, 13, gnmt), -2.0);  // (18 / 6)^2
  EXPECT_DOUBLE_EQ(length_normalised(-18, 1, gnmt), -18.0);  // a text of one token pays nothing
  EXPECT_DOUBLE_EQ(length_normalised(-18, 7, {.length_penalty = 0.0}), -18.0);
}

TEST(BeamSearchTest, CoverageByHand) {
  // Attended more than once counts as once; a place without attention is padding.
  const auto coverage = torch::tensor({0.5, 1.7, 0.0, 1.0}, torch::kDouble);
  EXPECT_NEAR(coverage_score(coverage, 0.2), 0.2 * std::log(0.5), 1e-12);
}

TEST(BeamSearchTest, CoverageOfAModelWithoutASourceIsRefused) {
  auto options = wide(2, 3);
  options.beams.coverage_penalty = 0.2;
  EXPECT_THAT([&] { beams(tiny_gpt(tiny_options()), {{5}}, options); },
              ::testing::ThrowsMessage<std::runtime_error>(
                  HasSubstr("coverage-penalty needs a model that attends to a source")));
}

TEST(BeamSearchTest, MoreBeamsThanTextsGiveEachTextOnce) {
  EXPECT_THAT(beams_of_table(torch::zeros({1, 1}), {{0}}, wide(4, 3)).size(), 1U);
  EXPECT_THAT(beams_of_table(torch::randn({3, 3}), {{0}}, wide(20, 2)).size(), 9U);
}

TEST(BeamSearchTest, NoNewTokensIsOneEmptyText) {
  const auto generations = beams(tiny_gpt(tiny_options()), {{5}, {6}}, wide(3, 0));
  ASSERT_EQ(generations.size(), 2U);
  EXPECT_TRUE(generations[1].tokens.empty());
  EXPECT_EQ(generations[1].prompt, 1);
}

TEST(BeamSearchTest, AStopEndsAText) {
  auto options = wide(2, 5);
  options.stops = [](std::span<const int64_t> tokens) { return tokens.back() == 1; };
  const auto best = beams_of_table(5 * torch::eye(4).roll(1, 1), {{3}}, options)[0];  // 3 -> 0 -> 1
  EXPECT_THAT(best.tokens, ElementsAre(0, 1));
  EXPECT_EQ(best.finish, FinishReason::kStop);
}

TEST(BeamSearchTest, AnInterruptKeepsWhatIsThere) {
  auto options = wide(2, 5);
  int steps = 0;
  options.interrupted = [&] { return ++steps > 3; };
  const auto best = beams_of_table(torch::eye(4), {{3}}, options)[0];
  EXPECT_EQ(best.tokens.size(), 3U);
  EXPECT_EQ(best.finish, FinishReason::kInterrupted);
}

TEST(BeamSearchTest, SaysSoWhereEveryTokenIsForbiddenOrNoNumber) {
  auto options = wide(2, 3);
  options.processors.suppress_tokens = {0, 1, 2, 3};
  EXPECT_THAT([&] { beams_of_table(torch::eye(4), {{0}}, options); },
              ::testing::ThrowsMessage<std::runtime_error>(HasSubstr("every token is forbidden")));
  const auto nan = torch::full({4, 4}, std::numeric_limits<float>::quiet_NaN());
  EXPECT_THAT([&] { beams_of_table(nan, {{0}}, wide(2, 3)); },
              ::testing::ThrowsMessage<std::runtime_error>(HasSubstr("not numbers (NaN)")));
}

// Kool et al. 2019: Gumbel-top-k draws without replacement.
TEST(BeamSearchTest, CandidatesAreDrawnInProportionAndNeverTwice) {
  const auto p = torch::tensor({{0.5, 0.2}, {0.2, 0.1}});
  const auto log_p = p.log();
  const int64_t draws = 4000;
  std::vector<double> first(4), second_after_0(4);
  for (int64_t step = 0; step < draws; ++step) {
    const auto drawn = drawn_candidates(log_p, log_p, 3, {.seed = 5, .step = step});
    ASSERT_EQ(drawn.size(), 3U);
    const auto place = [&](size_t n) {
      return static_cast<size_t>(drawn[n].beam * 2 + drawn[n].token);
    };
    EXPECT_NE(place(0), place(1));
    EXPECT_NE(place(1), place(2));
    ++first[place(0)];
    if (place(0) == 0) ++second_after_0[place(1)];
  }
  const double expected[] = {0.5, 0.2, 0.2, 0.1};
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(first[i] / draws, expected[i], 0.035) << i;
  // Of what is left, 0.2, 0.2 and 0.1 of 0.5.
  for (size_t i = 1; i < 4; ++i)
    EXPECT_NEAR(second_after_0[i] / first[0], expected[i] / 0.5, 0.05) << i;
}

TEST(BeamSearchTest, DrawnBeamsDependOnTheSeedAndOnNothingBesideThem) {
  const auto model = tiny_gpt(tiny_options());
  const PromptList prompts = {{5, 9, 2}, {7}};
  auto options = wide(3, 8);
  options.eos_ids = {3};
  const auto best = beams(model, prompts, options);
  options.beams.sample = true;
  options.sampling = {.temperature = 2.0, .top_k = 20};
  options.seed = 1;
  const auto drawn = beams(model, prompts, options);
  const auto alone = beams(model, {prompts[1]}, options);
  for (size_t i = 0; i < alone.size(); ++i) EXPECT_EQ(alone[i].tokens, drawn[i + 3].tokens);
  EXPECT_NE(drawn[0].tokens, best[0].tokens);
  options.seed = 2;
  EXPECT_NE(beams(model, prompts, options)[0].tokens, drawn[0].tokens);
  // Next to no temperature: the best.
  options.sampling = {.temperature = 0.001};
  EXPECT_EQ(beams(model, prompts, options)[0].tokens, best[0].tokens);
}

}  // namespace
}  // namespace zoo
