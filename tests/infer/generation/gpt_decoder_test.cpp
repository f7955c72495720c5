#include "infer/generation/gpt_decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "infer/generation/gpt_state.h"
#include "tests/infer/tiny_models.h"
#include "tests/support/gradient_check.h"

namespace zoo {
namespace {

using testing::every_kind_of_gpt;
using ::testing::HasSubstr;
using testing::tiny_gpt;
using testing::tiny_options;
using testing::torch_error_of;

std::vector<int64_t> random_tokens(size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<int64_t> tokens(count);
  for (int64_t& token : tokens) token = static_cast<int64_t>(random() % 29);
  return tokens;
}

/// The batch's scores after every token of every row, read in steps of at most `stride` tokens.
std::vector<torch::Tensor> read(const Gpt& model, bool use_cache,
                                const std::vector<std::vector<int64_t>>& rows, int64_t stride) {
  GptDecoder decoder(model, use_cache);
  const auto B = std::ssize(rows);
  auto state = decoder.start(B);
  int64_t longest = 0;
  for (const auto& row : rows) longest = std::max(longest, std::ssize(row));
  std::vector<std::vector<torch::Tensor>> parts(rows.size());
  for (int64_t at = 0; at < longest; at += stride) {
    auto tokens = torch::full({B, stride}, 28, torch::kLong);
    auto counts = torch::zeros({B}, torch::kLong);
    for (int64_t b = 0; b < B; ++b) {
      const auto& row = rows[static_cast<size_t>(b)];
      const int64_t count = std::clamp<int64_t>(std::ssize(row) - at, 0, stride);
      counts[b] = count;
      for (int64_t t = 0; t < count; ++t) tokens[b][t] = row[static_cast<size_t>(at + t)];
    }
    const auto logits = decoder.step(tokens, counts, *state, {.every_token = true}).logits;
    EXPECT_EQ(logits.sizes(), (std::vector<int64_t>{B, stride, 29}));
    for (int64_t b = 0; b < B; ++b) {
      parts[static_cast<size_t>(b)].push_back(logits[b].narrow(0, 0, counts[b].item<int64_t>()));
    }
  }
  std::vector<torch::Tensor> all;
  for (const auto& row : parts) all.push_back(torch::cat(row));
  return all;  // [length of the row, V] each
}

void expect_same(const std::vector<torch::Tensor>& a, const std::vector<torch::Tensor>& b,
                 const std::string& what) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(a[i].sizes(), b[i].sizes()) << what << ", row " << i;
    EXPECT_LT((a[i] - b[i]).abs().max().item<double>(), 2e-4) << what << ", row " << i;
  }
}

// 40 tokens in a context of 16: the window moves three times.
const std::vector<std::vector<int64_t>>& rows_of_different_length() {
  static const std::vector<std::vector<int64_t>> rows = {
      random_tokens(5, 1), random_tokens(40, 2), random_tokens(17, 3), random_tokens(16, 4)};
  return rows;
}

TEST(GptDecoderTest, GivesTheModelsOwnScoresWithinTheContext) {
  for (const auto& [name, options] : every_kind_of_gpt()) {
    auto model = tiny_gpt(options);
    const auto tokens = random_tokens(16, 9);
    const torch::NoGradGuard no_grad;
    const auto expected = model(torch::tensor(tokens, torch::kLong).unsqueeze(0))[0];
    expect_same(read(model, true, {tokens}, 1), {expected}, name);
  }
}

TEST(GptDecoderTest, CachedEqualsUncachedPastTheContextToo) {
  for (const auto& [name, options] : every_kind_of_gpt()) {
    const auto model = tiny_gpt(options);
    expect_same(read(model, true, rows_of_different_length(), 1),
                read(model, false, rows_of_different_length(), 1), name);
  }
}

TEST(GptDecoderTest, ABatchOfDifferentLengthsEqualsOneByOne) {
  for (const auto& [name, options] : every_kind_of_gpt()) {
    const auto model = tiny_gpt(options);
    std::vector<torch::Tensor> alone;
    for (const auto& row : rows_of_different_length())
      alone.push_back(read(model, true, {row}, 1)[0]);
    expect_same(read(model, true, rows_of_different_length(), 1), alone, name);
  }
}

// The prompt is what the first step brings; rows then go on token by token, past the context too.
TEST(GptDecoderTest, APrefixModelSeesItsPromptBothWays) {
  auto options = tiny_options();
  options.prefix_lm = true;
  const auto model = tiny_gpt(options);
  const auto scores = [&](bool use_cache, const std::vector<std::vector<int64_t>>& prompts) {
    GptDecoder decoder(model, use_cache);
    const auto B = std::ssize(prompts);
    auto state = decoder.start(B);
    std::vector<torch::Tensor> parts;
    auto tokens = torch::zeros({B, 9}, torch::kLong);
    auto counts = torch::zeros({B}, torch::kLong);
    for (int64_t b = 0; b < B; ++b) {
      const auto& prompt = prompts[static_cast<size_t>(b)];
      counts[b] = std::ssize(prompt);
      tokens[b].narrow(0, 0, std::ssize(prompt)).copy_(torch::tensor(prompt, torch::kLong));
    }
    parts.push_back(decoder.step(tokens, counts, *state).logits);
    for (int64_t t = 0; t < 12; ++t) {
      const auto next = torch::full({B, 1}, t, torch::kLong);
      parts.push_back(decoder.step(next, torch::ones({B}, torch::kLong), *state).logits);
    }
    return torch::cat(parts, 1);  // [B, 13, V]
  };
  const std::vector<std::vector<int64_t>> prompts{random_tokens(9, 5), random_tokens(4, 6)};
  const auto cached = scores(true, prompts);
  EXPECT_TRUE(torch::allclose(cached, scores(false, prompts), 1e-4, 1e-4));
  EXPECT_TRUE(torch::allclose(cached[1], scores(true, {prompts[1]})[0], 1e-4, 1e-4));
  // The model's own scores, and not those without a prefix.
  const torch::NoGradGuard no_grad;
  const auto tokens = torch::tensor(prompts[0], torch::kLong).unsqueeze(0);
  const AttendArgs prefix{.prefix_lengths = torch::tensor({9}, torch::kLong)};
  EXPECT_TRUE(torch::allclose(cached[0][0], model.ptr()->forward(tokens, {.args = prefix})[0][8],
                              1e-4, 1e-4));
  EXPECT_FALSE(torch::allclose(cached[0][0], model.ptr()->forward(tokens)[0][8], 1e-2, 1e-2));
}

TEST(GptDecoderTest, StepsOfAnyLengthGiveTheSameScores) {
  for (const bool use_cache : {true, false}) {
    const auto model = tiny_gpt(tiny_options());
    const auto one_by_one = read(model, use_cache, rows_of_different_length(), 1);
    for (const int64_t stride : {2, 5, 16, 40}) {
      expect_same(read(model, use_cache, rows_of_different_length(), stride), one_by_one,
                  "stride " + std::to_string(stride));
    }
  }
}

TEST(GptDecoderTest, AFullContextLosesItsOlderHalf) {
  EXPECT_EQ(window_start(16, 16), 0);
  EXPECT_EQ(window_start(17, 16), 8);
  EXPECT_EQ(window_start(24, 16), 8);
  EXPECT_EQ(window_start(25, 16), 16);
  EXPECT_EQ(window_start(6, 5), 3);
  EXPECT_EQ(window_start(2, 1), 1);
  // After 17 tokens the model sees the last 9 of them, as if the text began there.
  const auto model = tiny_gpt(tiny_options());
  const auto tokens = random_tokens(17, 2);
  const std::vector<int64_t> window(tokens.begin() + 8, tokens.end());
  const auto whole = read(model, true, {tokens}, 1)[0], late = read(model, true, {window}, 1)[0];
  EXPECT_TRUE(whole[16].allclose(late[8], 1e-4, 1e-4));
}

TEST(GptDecoderTest, AContextOfOneTokenSeesOnlyTheLast) {
  auto options = tiny_options();
  options.context = 1;
  auto model = tiny_gpt(options);
  const auto scores = read(model, true, {{3, 4, 3}}, 1)[0];
  EXPECT_TRUE(scores[0].allclose(scores[2]));
  EXPECT_FALSE(scores[0].allclose(scores[1]));
}

TEST(GptDecoderTest, ATextStreamsThroughAWindowInBoundedMemory) {
  for (const auto kind : {PositionKind::kNone, PositionKind::kRotary, PositionKind::kAlibi,
                          PositionKind::kBucketed, PositionKind::kTransformerXl}) {
    auto options = tiny_options(kind);
    options.window = 6;
    if (kind == PositionKind::kTransformerXl)
      options.window = 0, options.context = 4, options.memory = 3;
    else
      options.sinks = 2;
    auto model = tiny_gpt(options);
    const auto tokens = random_tokens(200, 6);
    const torch::NoGradGuard no_grad;
    const auto whole = model(torch::tensor(tokens, torch::kLong).unsqueeze(0))[0];  // no restart
    GptDecoder decoder(model);
    EXPECT_EQ(decoder.longest_prompt(), 0);
    const auto state = decoder.start(1);
    size_t bytes = 0;
    for (size_t t = 0; t < tokens.size(); ++t) {
      const auto scores = decoder.step(torch::tensor({{tokens[t]}}, torch::kLong),
                                       torch::ones({1}, torch::kLong), *state);
      ASSERT_TRUE(scores.logits[0][0].allclose(whole[static_cast<int64_t>(t)], 1e-4, 1e-4)) << t;
      const size_t now = dynamic_cast<GptState&>(*state).cache()->bytes();
      ASSERT_EQ(now, bytes == 0 ? now : bytes);
      bytes = now;
    }
    EXPECT_LT(decoder.row_bytes(1'000'000), decoder.row_bytes(100) + 1.0);
  }
}

TEST(GptDecoderTest, OnlyModelsThatLookBackSoFarStream) {
  auto options = tiny_options(PositionKind::kRotary);  // a context of 16
  EXPECT_FALSE(streams(options));
  options.window = 12;
  options.sinks = 4;
  EXPECT_TRUE(streams(options));
  options.sinks = 5;  // distances that no training has seen
  EXPECT_FALSE(streams(options));
  options.sinks = 0;
  options.window_pattern = "LG";
  EXPECT_FALSE(streams(options));
  options.memory = 1;  // the global layers see a segment and its memory
  EXPECT_TRUE(streams(options));
  options.memory = 0;
  options.window_pattern = "L";
  options.position = PositionKind::kLearned;
  EXPECT_FALSE(streams(options));
}

// Drafts that were rejected far back: the window is read again.
TEST(GptDecoderTest, AStreamGoesBackFartherThanItsCache) {
  auto options = tiny_options(PositionKind::kAlibi);
  options.window = 4;
  const auto model = tiny_gpt(options);
  const auto tokens = random_tokens(120, 7);
  GptDecoder decoder(model);
  const auto state = decoder.start(1);
  std::vector<torch::Tensor> first;
  const auto score = [&](int64_t token) {
    return decoder
        .step(torch::tensor({{token}}, torch::kLong), torch::ones({1}, torch::kLong), *state)
        .logits[0][0];
  };
  for (const int64_t token : tokens) first.push_back(score(token));
  for (const int64_t length : {110, 30, 3}) {
    state->truncate(torch::tensor({length}, torch::kLong));
    for (auto t = static_cast<size_t>(length); t < tokens.size(); ++t)
      ASSERT_TRUE(score(tokens[t]).allclose(first[t], 1e-4, 1e-4)) << length << ", token " << t;
  }
}

torch::Tensor last_scores(GptDecoder& decoder, DecodeState& state,
                          const std::vector<int64_t>& tokens) {
  const auto B = std::ssize(tokens);
  return decoder
      .step(torch::tensor(tokens, torch::kLong).view({B, 1}), torch::ones({B}, torch::kLong), state)
      .logits.select(1, 0);
}

TEST(GptDecoderTest, ReorderCopiesRows) {
  const auto model = tiny_gpt(tiny_options(PositionKind::kRotary));
  for (const bool use_cache : {true, false}) {
    GptDecoder decoder(model, use_cache);
    auto state = decoder.start(2);
    last_scores(decoder, *state, {4, 9});
    state->reorder(torch::tensor({1, 0, 1}, torch::kLong));
    EXPECT_TRUE(state->lengths().equal(torch::tensor({1, 1, 1}, torch::kLong)));
    const auto scores = last_scores(decoder, *state, {7, 7, 7});  // 9 7, 4 7, 9 7
    EXPECT_TRUE(scores[0].allclose(scores[2]));
    EXPECT_FALSE(scores[0].allclose(scores[1], 1e-3, 1e-3));
  }
}

// Also back over the place where the window moved (17 tokens in a context of 16).
TEST(GptDecoderTest, TruncateForgetsWhatWasReadAfterIt) {
  const auto model = tiny_gpt(tiny_options());
  const auto tokens = random_tokens(30, 5);
  for (const bool use_cache : {true, false}) {
    GptDecoder decoder(model, use_cache);
    auto state = decoder.start(1);
    ASSERT_TRUE(state->can_truncate());
    std::vector<torch::Tensor> first;
    for (const int64_t token : tokens) first.push_back(last_scores(decoder, *state, {token}));
    for (const int64_t length : {25, 24, 18, 12, 3, 0}) {
      state->truncate(torch::tensor({length}, torch::kLong));
      EXPECT_EQ(state->lengths()[0].item<int64_t>(), length);
      for (auto t = static_cast<size_t>(length); t < tokens.size(); ++t) {
        const auto again = last_scores(decoder, *state, {tokens[t]});
        ASSERT_TRUE(again.allclose(first[t], 1e-4, 1e-4))
            << "back to " << length << ", token " << t;
      }
    }
  }
}

TEST(GptDecoderTest, HiddenIsWhatTheOutputLayerReads) {
  auto model = tiny_gpt(tiny_options());
  GptDecoder decoder(model);
  auto state = decoder.start(1);
  const auto scores = decoder.step(torch::tensor({{1, 2, 3}}, torch::kLong),
                                   torch::tensor({3}, torch::kLong), *state, {.hidden = true});
  EXPECT_EQ(scores.hidden.sizes(), (std::vector<int64_t>{1, 1, 24}));
  const torch::NoGradGuard no_grad;
  EXPECT_TRUE(scores.logits.allclose(model->logits_of(scores.hidden)));
}

TEST(GptDecoderTest, AStepThatThrowsLeavesTheStateAsItWas) {
  for (const bool use_cache : {true, false}) {
    GptDecoder decoder(tiny_gpt(tiny_options()), use_cache);  // a context of 16
    const auto read = [&](DecodeState& state, const std::vector<int64_t>& ids) {
      const auto tokens = torch::tensor(ids, torch::kLong).view({1, -1});
      const auto counts = torch::tensor({std::ssize(ids)}, torch::kLong);
      return decoder.step(tokens, counts, state).logits;
    };
    for (const size_t length : {5, 15, 16}) {  // the window stays, moves within the step, before it
      const auto state = decoder.start(1), wanted = decoder.start(1);
      const std::vector<int64_t> prompt = random_tokens(length, 4);
      read(*state, prompt);
      EXPECT_ANY_THROW(read(*state, {3, 29}));  // 29 tokens: there is no id 29
      EXPECT_EQ(state->lengths().item<int64_t>(), std::ssize(prompt));
      read(*wanted, prompt);
      EXPECT_TRUE(read(*state, {7, 2}).allclose(read(*wanted, {7, 2}), 1e-4, 1e-5));
    }
  }
}

TEST(GptDecoderTest, RefusesWhatDoesNotFitItsState) {
  auto model = tiny_gpt(tiny_options());
  GptDecoder decoder(model);
  auto state = decoder.start(2);
  const auto step = [&](const torch::Tensor& tokens, const torch::Tensor& counts) {
    return torch_error_of([&] { decoder.step(tokens, counts, *state); });
  };
  const auto two = torch::ones({2}, torch::kLong);
  EXPECT_THAT(step(torch::zeros({3, 1}, torch::kLong), two),
              HasSubstr("the state has 2 rows, got [3, 1]"));
  EXPECT_THAT(step(torch::zeros({2, 0}, torch::kLong), two), HasSubstr("T > 0"));
  EXPECT_THAT(step(torch::zeros({2, 1}, torch::kLong), two * 2),
              HasSubstr("counts must be 0 to 1, got 2"));
  EXPECT_THAT(torch_error_of([&] { state->truncate(two); }),
              HasSubstr("must not lengthen a row of 0"));
  const auto none = decoder.start(0);
  EXPECT_THAT(torch_error_of([&] {
                decoder.step(torch::zeros({0, 1}, torch::kLong), two.narrow(0, 0, 0), *none);
              }),
              HasSubstr("the state has no rows"));
  model->train();
  EXPECT_THAT(torch_error_of([&] { GptDecoder refused(model); }), HasSubstr("training mode"));
}

}  // namespace
}  // namespace zoo
