#include "infer/decode/generate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "infer/generation/gpt_decoder.h"
#include "tests/infer/decode/table_model.h"
#include "tests/infer/tiny_models.h"

namespace zoo {
namespace {

using ::testing::ElementsAre;
using testing::every_kind_of_gpt;
using ::testing::HasSubstr;
using testing::TableModel;
using testing::tiny_gpt;
using testing::tiny_options;
using PromptList = std::vector<std::vector<int64_t>>;

std::vector<Generation> run(const Gpt& model, const PromptList& prompts,
                            const DecodeOptions& options, bool use_cache = true,
                            const OnToken& on_token = {}) {
  GptDecoder decoder(model, use_cache);
  return generate(decoder, decoder.start(std::ssize(prompts)), prompts, options, on_token);
}

std::vector<std::vector<int64_t>> tokens_of(const std::vector<Generation>& generations) {
  std::vector<std::vector<int64_t>> all;
  for (const auto& generation : generations) all.push_back(generation.tokens);
  return all;
}

DecodeOptions greedy(int64_t tokens = 40) {
  return {.max_new_tokens = tokens, .sampling = {.temperature = 0}};
}
DecodeOptions sampled(uint64_t seed = 3) {
  return {.max_new_tokens = 40,
          .num_return_sequences = 3,
          .seed = seed,
          .sampling = {.temperature = 1.5, .top_k = 20, .top_p = 0.95, .min_p = 0.001},
          .processors = {.repetition_penalty = 1.1}};
}

const PromptList kPrompts = {
    {5, 9, 2}, {7}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, {28, 0}};

std::vector<Generation> run_table(const torch::Tensor& table, const PromptList& prompts,
                                  const DecodeOptions& options) {
  TableModel model(table);
  auto state = std::make_unique<TableModel::State>(std::ssize(prompts));
  return generate(model, std::move(state), prompts, options);
}

TEST(GenerateTest, TemperatureZeroTakesTheMostLikelyTokenOfEachStep) {
  auto model = tiny_gpt(tiny_options());
  const auto ours = run(model, {{5, 9, 2}}, greedy(10))[0];
  std::vector<int64_t> text = {5, 9, 2};
  const torch::NoGradGuard no_grad;
  for (size_t i = 0; i < 10; ++i) {
    const auto logits = model(torch::tensor(text, torch::kLong).unsqueeze(0))[0][-1];
    text.push_back(logits.argmax().item<int64_t>());
    EXPECT_EQ(ours.tokens[i], text.back());
    EXPECT_NEAR(ours.log_probs[i], logits.log_softmax(-1)[text.back()].item<double>(), 1e-4);
  }
  EXPECT_EQ(ours.tokens.size(), 10U);
  EXPECT_EQ(ours.finish, FinishReason::kLength);
}

TEST(GenerateTest, CachedAndUncachedGiveTheSameTokens) {
  for (const auto& [name, options] : every_kind_of_gpt()) {
    const auto model = tiny_gpt(options);
    EXPECT_EQ(tokens_of(run(model, kPrompts, greedy())),
              tokens_of(run(model, kPrompts, greedy(), false)))
        << name;
    EXPECT_EQ(tokens_of(run(model, kPrompts, sampled())),
              tokens_of(run(model, kPrompts, sampled(), false)))
        << name;
  }
}

TEST(GenerateTest, ABatchGivesWhatItsPromptsGiveAlone) {
  for (const auto& [name, options] : every_kind_of_gpt()) {
    const auto model = tiny_gpt(options);
    for (auto how : {greedy(), sampled()}) {
      how.eos_ids = {3, 11};  // rows leave the batch at different times
      std::vector<std::vector<int64_t>> alone;
      for (const auto& prompt : kPrompts) {
        for (auto& tokens : tokens_of(run(model, {prompt}, how)))
          alone.push_back(std::move(tokens));
      }
      EXPECT_EQ(tokens_of(run(model, kPrompts, how)), alone) << name;
    }
  }
}

TEST(GenerateTest, SamplesMayBeDrawnInSeveralCalls) {
  const auto model = tiny_gpt(tiny_options());
  const auto together = run(model, {{5}}, sampled());
  for (int64_t sample = 0; sample < 3; ++sample) {
    auto options = sampled();
    options.num_return_sequences = 1;
    options.first_sample = sample;
    const auto alone = run(model, {{5}}, options);
    EXPECT_EQ(alone[0].sample, sample);
    EXPECT_EQ(alone[0].tokens, together[static_cast<size_t>(sample)].tokens);
  }
}

TEST(GenerateTest, SamplesAndSeedsDifferAndOneSeedRepeatsItself) {
  const auto model = tiny_gpt(tiny_options());
  const auto first = tokens_of(run(model, {{5}}, sampled(3)));
  EXPECT_EQ(first, tokens_of(run(model, {{5}}, sampled(3))));
  EXPECT_NE(first[0], tokens_of(run(model, {{5}}, sampled(4)))[0]);
  EXPECT_NE(first[0], first[1]);
  EXPECT_NE(first[1], first[2]);
}

TEST(GenerateTest, DrawsTokensAsOftenAsTheModelSays) {
  const auto p = torch::tensor({0.1F, 0.2F, 0.3F, 0.4F});
  const auto table = p.log().unsqueeze(0).repeat({4, 1});
  const auto drawn =
      run_table(table, {{0}}, {.max_new_tokens = 50, .num_return_sequences = 200, .seed = 11});
  auto counts = torch::zeros({4});
  for (const auto& generation : drawn) {
    for (const int64_t token : generation.tokens) counts[token] += 1;
  }
  // 10,000 draws: 0.02 is four standard deviations of the most uncertain share.
  EXPECT_LT((counts / 10'000 - p).abs().max().item<double>(), 0.02);
}

TEST(GenerateTest, AnEndTokenEndsItsRowAndIsTheLast) {
  // 0 -> 1 -> 2 -> 3 -> 0 ...
  const auto table = 5 * torch::eye(4).roll(1, 1);
  auto options = greedy(6);
  options.eos_ids = {3};
  const auto generations = run_table(table, {{0}, {2}, {3}}, options);
  EXPECT_THAT(generations[0].tokens, ElementsAre(1, 2, 3));
  EXPECT_THAT(generations[1].tokens, ElementsAre(3));
  EXPECT_THAT(generations[2].tokens, ElementsAre(0, 1, 2, 3));
  for (const auto& generation : generations) EXPECT_EQ(generation.finish, FinishReason::kEos);
}

TEST(GenerateTest, NoEndTokenComesBeforeTheMinimum) {
  const auto table = 5 * torch::eye(4).roll(1, 1);
  auto options = greedy(6);
  options.eos_ids = {3};
  options.min_new_tokens = 4;
  const auto generation = run_table(table, {{1}}, options)[0];
  ASSERT_GE(generation.tokens.size(), 4U);
  for (size_t i = 0; i < 4; ++i) EXPECT_NE(generation.tokens[i], 3) << i;
}

TEST(GenerateTest, RepetitionPenaltyCountsThePromptAndTheNewTokens) {
  // All logits are 2, 1.9, 1.8, 1.7: each token that was there falls to half.
  const auto table = torch::tensor({2.0F, 1.9F, 1.8F, 1.7F}).unsqueeze(0).repeat({4, 1});
  auto options = greedy(4);
  options.processors.repetition_penalty = 2.0;
  EXPECT_THAT(run_table(table, {{0}}, options)[0].tokens, ElementsAre(1, 2, 3, 0));
  options.num_return_sequences = 2;  // no less for the second prompt's samples
  const auto both = run_table(table, {{1, 2}, {0}}, options);
  EXPECT_THAT(both[1].tokens, ElementsAre(0, 3, 0, 0));
  EXPECT_THAT(both[3].tokens, ElementsAre(1, 2, 3, 0));
}

TEST(GenerateTest, IdsPastTheTokenizersVocabularyAreNeverDrawn) {
  const auto table = torch::arange(4).to(torch::kFloat).unsqueeze(0).repeat({4, 1});
  auto options = greedy(3);
  options.usable_vocab = 2;
  EXPECT_THAT(run_table(table, {{0}}, options)[0].tokens, ElementsAre(1, 1, 1));
}

TEST(GenerateTest, TheCallerSeesEveryTokenAndEndsARow) {
  const auto model = tiny_gpt(tiny_options());
  std::vector<std::vector<int64_t>> seen(2);
  const auto generations = run(model, {{5}, {7}}, greedy(8), true, [&](int64_t row, int64_t token) {
    seen[static_cast<size_t>(row)].push_back(token);
    return row == 1 || seen[0].size() < 3;
  });
  EXPECT_EQ(seen, tokens_of(generations));
  EXPECT_EQ(generations[0].tokens.size(), 3U);
  EXPECT_EQ(generations[0].finish, FinishReason::kStop);
  EXPECT_EQ(generations[1].tokens.size(), 8U);
}

TEST(GenerateTest, AnInterruptKeepsWhatIsThere) {
  const auto model = tiny_gpt(tiny_options());
  auto options = greedy(8);
  int steps = 0;
  options.interrupted = [&] { return ++steps > 4; };
  const auto generation = run(model, {{5}}, options)[0];
  EXPECT_EQ(generation.tokens.size(), 4U);
  EXPECT_EQ(generation.finish, FinishReason::kInterrupted);
}

TEST(GenerateTest, NoNewTokensIsAnEmptyText) {
  const auto generation = run(tiny_gpt(tiny_options()), {{5}}, greedy(0))[0];
  EXPECT_TRUE(generation.tokens.empty());
  EXPECT_EQ(generation.log_prob(), 0.0);
}

std::string error_of(const PromptList& prompts, const DecodeOptions& options = greedy(2)) {
  try {
    run(tiny_gpt(tiny_options()), prompts, options);
  } catch (const std::exception& error) {
    return error.what();
  }
  return "accepted";
}

TEST(GenerateTest, RefusesPromptsThatTheModelCannotRead) {
  EXPECT_THAT(error_of({{1}, std::vector<int64_t>(17, 1)}),
              HasSubstr("prompt 2 has 17 tokens, the model's context is 16"));
  EXPECT_THAT(error_of({{}}), HasSubstr("prompt 1 has no token"));
  EXPECT_THAT(error_of({{4, 29}}),
              HasSubstr("prompt 1 has token id 29, the model's vocabulary is 0 to 28"));
  EXPECT_THAT(error_of({{-1}}), HasSubstr("token id -1"));
  EXPECT_THAT(error_of({}), HasSubstr("there is no prompt"));
}

TEST(GenerateTest, RefusesOptionsThatMeanNothing) {
  EXPECT_THAT(error_of({{1}}, {.max_new_tokens = -1}),
              HasSubstr("max-new-tokens must be 0 or positive, got -1"));
  EXPECT_THAT(error_of({{1}}, {.max_new_tokens = 2, .min_new_tokens = 3}),
              HasSubstr("min-new-tokens must be at most max-new-tokens, which is 2, got 3"));
  EXPECT_THAT(error_of({{1}}, {.num_return_sequences = 0}),
              HasSubstr("num-return-sequences must be at least 1, got 0"));
  EXPECT_THAT(error_of({{1}}, {.sampling = {.temperature = -1}}), HasSubstr("temperature"));
}

TEST(GenerateTest, RefusesAModelWhoseScoresAreNoNumbers) {
  const auto table = torch::full({4, 4}, std::numeric_limits<float>::quiet_NaN());
  EXPECT_THAT([&] { run_table(table, {{0}}, greedy(2)); },
              ::testing::ThrowsMessage<std::runtime_error>(HasSubstr("not numbers (NaN)")));
}

TEST(GenerateTest, SaysSoWhereEveryTokenIsForbidden) {
  auto options = greedy(3);
  options.processors.suppress_tokens = {0, 1, 2, 3};
  EXPECT_THAT([&] { run_table(torch::eye(4), {{0}}, options); },
              ::testing::ThrowsMessage<std::runtime_error>(HasSubstr("every token is forbidden")));
  options.processors.suppress_tokens = {4};
  EXPECT_THAT([&] { run_table(torch::eye(4), {{0}}, options); },
              ::testing::ThrowsMessage<std::runtime_error>(
                  HasSubstr("suppress-tokens has token id 4, the model's vocabulary is 0 to 3")));
}

TEST(GenerateTest, AVocabularyOfOneTokenIsDrawnForEver) {
  EXPECT_THAT(run_table(torch::zeros({1, 1}), {{0}}, {.max_new_tokens = 3})[0].tokens,
              ElementsAre(0, 0, 0));
}

// Each row is seen with its own tokens, also after others have left the batch.
TEST(GenerateTest, NoNGramComesTwiceInAnyRow) {
  const auto model = tiny_gpt(tiny_options());
  auto options = greedy(40);
  options.processors.no_repeat_ngram_size = 2;
  options.eos_ids = {3, 11};
  const auto generations = run(model, kPrompts, options);
  for (size_t p = 0; p < kPrompts.size(); ++p) {
    auto text = kPrompts[p];
    const auto& tokens = generations[p].tokens;
    text.insert(text.end(), tokens.begin(), tokens.end());
    std::set<std::pair<int64_t, int64_t>> pairs;
    for (size_t i = 0; i + 1 < text.size(); ++i) pairs.emplace(text[i], text[i + 1]);
    EXPECT_EQ(pairs.size(), text.size() - 1) << p;
  }
}

}  // namespace
}  // namespace zoo
