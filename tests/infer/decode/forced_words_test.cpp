#include "infer/decode/beam/forced_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>

#include "infer/decode/beam/beam_banks.h"
#include "infer/decode/beam/beam_search.h"
#include "infer/generation/gpt_decoder.h"
#include "tests/infer/decode/table_model.h"
#include "tests/infer/tiny_models.h"

namespace zoo {
namespace {

using ::testing::ElementsAre;
using Ids = std::vector<int64_t>;
using PromptList = std::vector<Ids>;
using Words = std::vector<ForcedWord>;

bool holds(const Ids& text, const ForcedWord& word) {
  return std::ranges::any_of(word, [&](const Ids& ids) {
    return std::search(text.begin(), text.end(), ids.begin(), ids.end()) != text.end();
  });
}

DecodeOptions forcing(const Words& words, int64_t beams, int64_t tokens) {
  return {
      .max_new_tokens = tokens,
      .num_return_sequences = beams,
      .beams = {.num_beams = beams, .early_stopping = EarlyStopping::kNever, .force_words = words}};
}

std::vector<Generation> forced_table(const torch::Tensor& table, const DecodeOptions& options) {
  testing::TableModel model(table);
  testing::TableModel::State state(1);
  return beam_search(model, state, PromptList{{0}}, options);
}

TEST(ForcedWordsTest, CountsWhatIsMissingByHand) {
  const Words words = {{{1, 2, 3}}, {{4, 5}}};
  EXPECT_EQ(missing_tokens(words, {}), 5);
  EXPECT_EQ(missing_tokens(words, Ids{1, 2}), 3);
  EXPECT_EQ(missing_tokens(words, Ids{1, 2, 4}), 4);  // broken off; the other has begun
  EXPECT_EQ(missing_tokens(words, Ids{1, 2, 3, 9}), 2);
  EXPECT_EQ(missing_tokens(words, Ids{1, 2, 3, 4, 5}), 0);
  EXPECT_THAT(tokens_towards(words, Ids{1, 2}), ElementsAre(3, 4));
}

TEST(ForcedWordsTest, AWordThatBreaksOffMayHaveBegunAgain) {
  const Words words = {{{1, 1, 2}}};
  EXPECT_EQ(missing_tokens(words, Ids{1, 1, 1}), 1);
  EXPECT_EQ(missing_tokens(Words{{{1, 2}}, {{2, 3}}}, Ids{1, 2, 3}), 0);  // they may overlap
}

TEST(ForcedWordsTest, OneWayToWriteAWordIsEnough) {
  const Words words = {{{1, 2}, {3, 4, 5}}};
  EXPECT_EQ(missing_tokens(words, {}), 2);
  EXPECT_EQ(missing_tokens(words, Ids{3}), 2);
  EXPECT_EQ(missing_tokens(words, Ids{3, 4}), 1);
  EXPECT_EQ(missing_tokens(words, Ids{3, 4, 5}), 0);
}

TEST(ForcedWordsTest, BanksShareTheBeams) {
  EXPECT_THAT(allocate_beams(Ids{9, 9, 9}, 8), ElementsAre(2, 2, 4));
  EXPECT_THAT(allocate_beams(Ids{9, 1, 0}, 8), ElementsAre(7, 2, 4));  // what they can use: 7 and 1
  EXPECT_THAT(allocate_beams(Ids{9}, 8), ElementsAre(8));
  EXPECT_THAT(allocate_beams(Ids{9, 9, 0}, 2), ElementsAre(0, 2, 2));
}

/// The best score of all texts of up to `longest` tokens that hold the words, token `eos` their
/// end.
double best_with(const torch::Tensor& log_probs, const Words& words, int64_t eos, int64_t longest) {
  double best = -std::numeric_limits<double>::infinity();
  const std::function<void(const Ids&, double)> grow = [&](const Ids& text, double sum) {
    if (!text.empty() && (text.back() == eos || std::ssize(text) == longest)) {
      const auto in_text = [&](const ForcedWord& word) { return holds(text, word); };
      if (std::ranges::all_of(words, in_text)) {
        best = std::max(best, sum / static_cast<double>(text.size()));
      }
      return;
    }
    for (int64_t token = 0; token < log_probs.size(1); ++token) {
      auto longer = text;
      longer.push_back(token);
      grow(longer, sum + log_probs[text.empty() ? 0 : text.back()][token].item<double>());
    }
  };
  grow({}, 0);
  return best;
}

TEST(ForcedWordsTest, WideEnoughTheBestTextIsThatOfAllTextsThatHoldTheWords) {
  torch::manual_seed(6);
  const auto table = 3 * torch::randn({4, 4});
  for (const Words& words : {Words{{{1}}}, Words{{{1, 2}}, {{0}}}, Words{{{2, 2, 1}, {1, 1}}},
                             Words{{{0, 1}}, {{1, 0}}}}) {
    auto options = forcing(words, 400, 4);
    options.eos_ids = {3};
    const auto texts = forced_table(table, options);
    ASSERT_FALSE(texts.empty());
    EXPECT_NEAR(texts[0].score, best_with(table.log_softmax(-1), words, 3, 4), 1e-5);
  }
}

TEST(ForcedWordsTest, EveryTextHoldsItsWordsHoweverFewBeams) {
  GptDecoder decoder(testing::tiny_gpt(testing::tiny_options()));
  const PromptList prompts = {{5, 9, 2}, {7}};
  const Words words = {{{13, 21}}, {{8}}, {{27, 4}, {3, 26, 1}}};
  for (const int64_t beams : {2, 3, 7}) {
    for (const int64_t tokens : {5, 6, 12}) {
      auto options = forcing(words, beams, tokens);
      options.eos_ids = {11, 19};
      const auto state = decoder.start(2);
      const auto texts = beam_search(decoder, *state, prompts, options);
      ASSERT_GE(texts.size(), 2U);
      for (const auto& text : texts) {
        for (const auto& word : words) EXPECT_TRUE(holds(text.tokens, word)) << beams;
      }
    }
  }
}

TEST(ForcedWordsTest, AWordThatComesByItselfChangesNothing) {
  const auto table = 9 * torch::eye(4).roll(1, 1);  // 0 -> 1 -> 2 -> 3
  const auto plain = forced_table(table, forcing({}, 3, 4));
  const auto forced = forced_table(table, forcing({{{2, 3}}}, 3, 4));
  EXPECT_EQ(forced[0].tokens, plain[0].tokens);
  EXPECT_NEAR(forced[0].score, plain[0].score, 1e-6);
}

TEST(ForcedWordsTest, CachedUncachedBatchedAndAloneAreTheSame) {
  const auto model = testing::tiny_gpt(testing::tiny_options());
  const PromptList prompts = {{5, 9, 2}, {7}, {28, 0, 1, 2}};
  const auto options = forcing({{{13, 21}}, {{8}}}, 4, 20);  // past the context
  const auto run = [&](const PromptList& some, bool use_cache) {
    GptDecoder decoder(model, use_cache);
    const auto state = decoder.start(std::ssize(some));
    return beam_search(decoder, *state, some, options);
  };
  const auto together = run(prompts, true);
  const auto uncached = run(prompts, false);
  ASSERT_EQ(together.size(), 12U);
  for (size_t i = 0; i < together.size(); ++i) {
    EXPECT_EQ(uncached[i].tokens, together[i].tokens);
    EXPECT_EQ(run({prompts[i / 4]}, true)[i % 4].tokens, together[i].tokens);
  }
}

}  // namespace
}  // namespace zoo
