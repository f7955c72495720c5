#include "infer/generation/generation_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/interrupt.h"
#include "base/usage_error.h"
#include "tests/infer/tiny_models.h"
#include "tokenizers/character.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::u32string kAlphabet = U"abcdefghijklmnopqrstuvwxyz .\n";  // 29, as the model's table

LanguageModel small_model() {
  LanguageModel small;
  small.model = testing::tiny_gpt(testing::tiny_options());
  small.tokenizer = std::make_unique<CharacterTokenizer>(kAlphabet);
  small.vocab_size = small.model->options.vocab_size;
  return small;
}

std::string output(const std::vector<std::string>& prompts, const DecodeOptions& generate,
                   const SessionOptions& options = {}) {
  std::ostringstream out;
  GenerationSession session(small_model(), generate, options, out);
  EXPECT_TRUE(session.run(prompts));
  return out.str();
}

std::vector<nlohmann::json> json_lines(const std::string& text) {
  std::vector<nlohmann::json> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

DecodeOptions sampled(int64_t samples = 1) {
  return {.max_new_tokens = 30, .num_return_sequences = samples, .seed = 5};
}

/// Hot enough that every token comes within a few dozen steps.
DecodeOptions wild(int64_t tokens) {
  return {.max_new_tokens = tokens, .seed = 5, .sampling = {.temperature = 20}};
}

TEST(GenerationSessionTest, PrintsThePromptAndItsContinuation) {
  const auto full = output({"hello"}, sampled());
  EXPECT_THAT(full, StartsWith("hello"));
  EXPECT_EQ(full.size(), 5 + 30 + 1U);
  EXPECT_EQ(output({"hello"}, sampled(), {.return_full_text = false}), full.substr(5));
}

TEST(GenerationSessionTest, JsonSaysTheSameAndMore) {
  const auto text = output({"hello"}, sampled(), {.return_full_text = false});
  const auto lines = json_lines(output({"hello"}, sampled(), {.json = true}));
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].at("prompt"), "hello");
  EXPECT_EQ(lines[0].at("text").get<std::string>() + "\n", text);
  EXPECT_EQ(lines[0].at("tokens").size(), 30U);
  EXPECT_EQ(lines[0].at("token_logprobs").size(), 30U);
  EXPECT_EQ(lines[0].at("finish_reason"), "length");
  EXPECT_LT(lines[0].at("logprob").get<double>(), 0.0);
}

// Whatever is computed together, the texts are the same and come in the order of the prompts.
TEST(GenerationSessionTest, TheBatchSizeDoesNotChangeTheOutput) {
  const std::vector<std::string> prompts = {"hello", "a", "", "to be. or"};
  const auto one_by_one = output(prompts, sampled(3), {.stop = {"z"}, .batch_size = 1});
  for (const int64_t size : {2, 3, 8, 100}) {
    EXPECT_EQ(output(prompts, sampled(3), {.stop = {"z"}, .batch_size = size}), one_by_one) << size;
  }
  EXPECT_EQ(output(prompts, sampled(3), {.stop = {"z"}, .no_cache = true}), one_by_one);
}

TEST(GenerationSessionTest, EndsBeforeAStopString) {
  const auto text = output({"hello"}, sampled(), {.return_full_text = false});
  const std::string stop = text.substr(10, 3);
  const auto lines = json_lines(output({"hello"}, sampled(), {.stop = {stop}, .json = true}));
  EXPECT_EQ(lines[0].at("text"), text.substr(0, text.find(stop)));
  EXPECT_EQ(lines[0].at("finish_reason"), "stop");
}

TEST(GenerationSessionTest, TheEndOfTextTokenEndsATextAndIsNotPrinted) {
  auto model = small_model();
  model.eos_ids = {4};  // "e"
  std::ostringstream out;
  GenerationSession session(std::move(model), wild(500), {.json = true}, out);
  session.run({"x"});
  const auto line = json_lines(out.str())[0];
  EXPECT_EQ(line.at("finish_reason"), "eos");
  EXPECT_EQ(line.at("tokens").back(), 4);
  EXPECT_EQ(line.at("text").get<std::string>().find('e'), std::string::npos);
}

TEST(GenerationSessionTest, LaterQuestionsDrawFromOtherStreams) {
  std::ostringstream out;
  GenerationSession session(small_model(), sampled(), {.json = true}, out);
  session.run({"hello"}, 0);
  session.run({"hello"}, 1);
  const auto lines = json_lines(out.str());
  EXPECT_NE(lines[0].at("text"), lines[1].at("text"));
  EXPECT_EQ(session.new_tokens(), 60);
}

TEST(GenerationSessionTest, EveryPromptIsCheckedBeforeAnythingIsPrinted) {
  std::ostringstream out;
  GenerationSession session(small_model(), sampled(), {}, out);
  EXPECT_THAT(
      [&] {
        session.run({"fine", "this is far too long"});
      },
      ::testing::ThrowsMessage<std::runtime_error>(
          HasSubstr("prompt 2 has 20 tokens, the model's context is 16")));
  EXPECT_EQ(out.str(), "");
}

TEST(GenerationSessionTest, AnInterruptEndsTheTextsAndSaysSo) {
  std::ostringstream out;
  GenerationSession session(small_model(), sampled(), {}, out);
  {
    const InterruptGuard guard;
    InterruptGuard::request();
    EXPECT_FALSE(session.run({"hello", "you"}));
  }
  const InterruptGuard forgets;  // what was requested: the tests that follow shall run
  EXPECT_EQ(out.str(), "== prompt 1 of 2\nhello\n== prompt 2 of 2\nyou\n");
}

TEST(GenerationSessionTest, AnEndlessNumberOfSamplesNeedsNoMemoryAhead) {
  std::ostringstream out;
  auto options = sampled(std::numeric_limits<int64_t>::max());
  GenerationSession session(small_model(), options, {.batch_size = 2}, out);
  {
    const InterruptGuard guard;
    InterruptGuard::request();
    EXPECT_FALSE(session.run({"hello"}));
  }
  const InterruptGuard forgets;
}

TEST(GenerationSessionTest, AnEndlessMaximumNeedsNoMoreMemoryThanTheContext) {
  auto model = small_model();
  model.eos_ids = {4};
  std::ostringstream out;
  GenerationSession session(std::move(model), wild(std::numeric_limits<int64_t>::max()),
                            {.json = true}, out);
  EXPECT_TRUE(session.run({"x"}));
}

TEST(GenerationSessionTest, RefusesOptionsThatMeanNothing) {
  const auto message = [](const DecodeOptions& generate,
                          const SessionOptions& options) -> std::string {
    try {
      check_session(generate, options);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(message({}, {}), "accepted");
  EXPECT_THAT(message({.sampling = {.top_p = 2}}, {}), StartsWith("--top-p must be above 0"));
  EXPECT_THAT(message({.num_return_sequences = 0}, {}), StartsWith("--num-return-sequences"));
  EXPECT_THAT(message({}, {.batch_size = 0}), StartsWith("--batch-size"));
  EXPECT_THAT(message({}, {.stop = {""}}), StartsWith("--stop"));
}

}  // namespace
}  // namespace zoo
