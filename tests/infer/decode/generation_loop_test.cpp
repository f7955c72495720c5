// Texts that join and leave a batch are what they are alone.
#include "infer/decode/generation_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <thread>

#include "infer/decode/generate.h"
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

struct Request {
  PromptList prompts;
  DecodeOptions options;
};

/// Texts longer than the context of 16, in every way that options can differ.
const std::vector<Request>& requests() {
  static const std::vector<Request> all = {
      {{{5, 9, 2}, {7}}, {.max_new_tokens = 40, .sampling = {.temperature = 0}}},
      {{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
       {.max_new_tokens = 25,
        .num_return_sequences = 2,
        .seed = 3,
        .sampling = {.temperature = 1.5, .top_k = 20, .top_p = 0.95},
        .processors = {.repetition_penalty = 1.1}}},
      {{{28, 0}, {4, 4, 4, 4, 4}},
       {.max_new_tokens = 30, .seed = 9, .sampling = {.min_p = 0.01}, .eos_ids = {3, 11}}},
      {{{7, 7}},
       {.max_new_tokens = 12,
        .sampling = {.temperature = 0},
        .processors = {.no_repeat_ngram_size = 2, .suppress_tokens = {1, 2, 3}}}}};
  return all;
}

std::vector<Generation> alone(const GptDecoder& decoder, const Request& request) {
  return generate(decoder, decoder.start(std::ssize(request.prompts)), request.prompts,
                  request.options);
}

/// What the events of a loop add up to, by id.
struct Texts {
  std::map<int64_t, std::vector<int64_t>> tokens;
  std::map<int64_t, FinishReason> finish;

  void add(const std::vector<TokenEvent>& events) {
    for (const TokenEvent& event : events) {
      EXPECT_EQ(finish.count(event.id), 0U) << "text " << event.id << " had ended";
      tokens[event.id].push_back(event.token);
      if (event.finish) finish[event.id] = *event.finish;
    }
  }
};

std::vector<int64_t> add(GenerationLoop& loop, const GptDecoder& decoder, const Request& request) {
  return loop.add(request.prompts, request.options, decoder.start(std::ssize(request.prompts)));
}

TEST(GenerationLoopTest, TextsThatJoinLateAreWhatTheyAreAlone) {
  for (const auto& [name, options] : every_kind_of_gpt()) {
    for (const bool use_cache : {true, false}) {
      const GptDecoder decoder(tiny_gpt(options), use_cache);
      GenerationLoop loop(decoder);
      Texts texts;
      std::vector<std::vector<int64_t>> ids;
      for (const Request& request : requests()) {
        ids.push_back(add(loop, decoder, request));
        for (int step = 0; step < 7; ++step) texts.add(loop.step());
      }
      while (!loop.empty()) texts.add(loop.step());
      for (size_t r = 0; r < requests().size(); ++r) {
        const auto wanted = alone(decoder, requests()[r]);
        ASSERT_EQ(ids[r].size(), wanted.size());
        for (size_t i = 0; i < wanted.size(); ++i) {
          EXPECT_EQ(texts.tokens[ids[r][i]], wanted[i].tokens) << name << ", request " << r;
          EXPECT_EQ(texts.finish[ids[r][i]], wanted[i].finish) << name << ", request " << r;
        }
      }
    }
  }
}

TEST(GenerationLoopTest, TextsThatAreAddedTogetherAreReadInOneBatch) {
  const GptDecoder decoder(tiny_gpt(tiny_options()));
  GenerationLoop loop(decoder);
  Texts texts;
  for (const Request& request : requests()) add(loop, decoder, request);
  EXPECT_EQ(loop.size(), 7);
  while (!loop.empty()) texts.add(loop.step());
  int64_t id = 0;
  for (const Request& request : requests()) {
    for (const Generation& wanted : alone(decoder, request))
      EXPECT_EQ(texts.tokens[id++], wanted.tokens);
  }
}

TEST(GenerationLoopTest, RemovedTextsLeaveTheOthersAsTheyAre) {
  const GptDecoder decoder(tiny_gpt(tiny_options(PositionKind::kRotary)));
  GenerationLoop loop(decoder);
  Texts texts;
  for (const Request& request : requests()) add(loop, decoder, request);
  EXPECT_TRUE(loop.remove(2));  // before its first token
  for (int step = 0; step < 5; ++step) texts.add(loop.step());
  EXPECT_TRUE(loop.remove(0));
  EXPECT_FALSE(loop.remove(0));
  EXPECT_FALSE(loop.remove(7));  // was never there
  while (!loop.empty()) texts.add(loop.step());
  int64_t id = 0;
  for (const Request& request : requests()) {
    for (const Generation& wanted : alone(decoder, request)) {
      const size_t length = id == 2 ? 0 : id == 0 ? 5 : wanted.tokens.size();
      EXPECT_EQ(texts.tokens[id].size(), length) << id;
      EXPECT_TRUE(
          std::equal(texts.tokens[id].begin(), texts.tokens[id].end(), wanted.tokens.begin()))
          << id;
      ++id;
    }
  }
}

TEST(GenerationLoopTest, TheCallerEndsATextAndAnotherCanTakeItsPlace) {
  // 0 -> 1 -> 2 -> 3 -> 0 ...
  const TableModel model(5 * torch::eye(4).roll(1, 1));
  const DecodeOptions greedy{.max_new_tokens = 3, .sampling = {.temperature = 0}};
  const auto start = [] { return std::make_unique<TableModel::State>(1); };
  GenerationLoop loop(model);
  Texts texts;
  loop.add(PromptList{{0}}, greedy, start(), [](int64_t id, int64_t token) {
    EXPECT_EQ(id, 0);
    return token != 2;
  });
  while (!loop.empty()) texts.add(loop.step());
  EXPECT_TRUE(loop.step().empty());
  EXPECT_THAT(loop.add(PromptList{{3}}, greedy, start()), ElementsAre(1));
  while (!loop.empty()) texts.add(loop.step());
  EXPECT_THAT(texts.tokens[0], ElementsAre(1, 2));
  EXPECT_EQ(texts.finish[0], FinishReason::kStop);
  EXPECT_THAT(texts.tokens[1], ElementsAre(0, 1, 2));
  EXPECT_EQ(texts.finish[1], FinishReason::kLength);
}

TEST(GenerationLoopTest, EachTextHasAStopRuleOfItsOwn) {
  const TableModel model(5 * torch::eye(4).roll(1, 1));
  DecodeOptions options{.max_new_tokens = 6, .sampling = {.temperature = 0}};
  GenerationLoop loop(model);
  Texts texts;
  for (const int64_t last : {3, 2}) {
    options.stops = [last](std::span<const int64_t> tokens) { return tokens.back() == last; };
    loop.add(PromptList{{0}}, options, std::make_unique<TableModel::State>(1));
  }
  while (!loop.empty()) texts.add(loop.step());
  EXPECT_THAT(texts.tokens[0], ElementsAre(1, 2, 3));
  EXPECT_THAT(texts.tokens[1], ElementsAre(1, 2));
  EXPECT_EQ(texts.finish[1], FinishReason::kStop);
}

TEST(GenerationLoopTest, ATextThatCannotGoOnIsNamedAndTheOthersCan) {
  const TableModel model(5 * torch::eye(4).roll(1, 1));
  const DecodeOptions greedy{.max_new_tokens = 4, .sampling = {.temperature = 0}};
  auto nothing = greedy;
  nothing.processors.suppress_tokens = {0, 1, 2, 3};
  const auto start = [] { return std::make_unique<TableModel::State>(1); };
  GenerationLoop loop(model);
  Texts texts;
  loop.add(PromptList{{0}}, greedy, start());
  texts.add(loop.step());
  const int64_t bad = loop.add(PromptList{{0}}, nothing, start()).front();
  try {
    loop.step();
    ADD_FAILURE() << "went on";
  } catch (const TextError& error) {
    EXPECT_EQ(error.id, bad);
    EXPECT_THAT(error.what(), HasSubstr("every token is forbidden"));
  }
  loop.add(PromptList{{2}}, greedy, start());
  EXPECT_TRUE(loop.remove(bad));
  while (!loop.empty()) texts.add(loop.step());
  EXPECT_THAT(texts.tokens[0], ElementsAre(1, 2, 3, 0));
  EXPECT_THAT(texts.tokens[2], ElementsAre(3, 0, 1, 2));
}

TEST(GenerationLoopTest, RefusesATextThatWantsNoTokens) {
  const TableModel model(torch::eye(4));
  GenerationLoop loop(model);
  EXPECT_THAT(
      [&] {
        loop.add(PromptList{{0}}, {.max_new_tokens = 0}, std::make_unique<TableModel::State>(1));
      },
      ::testing::ThrowsMessage<std::invalid_argument>(
          HasSubstr("max-new-tokens must be at least 1 to add a text")));
  EXPECT_TRUE(loop.empty());
}

TEST(GenerationLoopTest, ManyThreadsDecodeWithOneModel) {
  for (const auto& [name, options] : every_kind_of_gpt()) {
    const GptDecoder decoder(tiny_gpt(options));
    std::vector<std::vector<Generation>> wanted;
    for (const Request& request : requests()) wanted.push_back(alone(decoder, request));
    constexpr size_t kThreads = 8;
    std::vector<std::vector<Generation>> got(kThreads);
    std::vector<std::thread> threads;
    for (size_t n = 0; n < kThreads; ++n) {
      threads.emplace_back([&, n] { got[n] = alone(decoder, requests()[n % requests().size()]); });
    }
    for (auto& thread : threads) thread.join();
    for (size_t n = 0; n < kThreads; ++n) {
      const auto& same = wanted[n % requests().size()];
      ASSERT_EQ(got[n].size(), same.size());
      for (size_t i = 0; i < same.size(); ++i) {
        EXPECT_EQ(got[n][i].tokens, same[i].tokens) << name;
        EXPECT_EQ(got[n][i].log_probs, same[i].log_probs) << name;  // to the last bit
      }
    }
  }
}

}  // namespace
}  // namespace zoo
