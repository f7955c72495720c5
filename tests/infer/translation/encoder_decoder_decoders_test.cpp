// The laws of decoding, for each model that reads a source first: step by step, in any batch, the
// scores are those of teacher forcing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "infer/decode/decode.h"
#include "infer/decode/generate.h"
#include "infer/decode/generation_loop.h"
#include "infer/translation/recurrent_decoder.h"
#include "infer/translation/transformer_decoder.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;

/// A decoder, its model, and how it starts.
struct Decoding {
  std::shared_ptr<EncoderDecoder> model;
  std::shared_ptr<NextToken> decoder;
  std::function<std::unique_ptr<DecodeState>(const torch::Tensor&, const torch::Tensor&)> start;
};

Decoding transformer() {
  auto options = TransformerOptions::tiny();
  options.vocab_size = 13;
  options.decoder_layers = 2;
  options.heads = 4;
  options.attention = "matmul";  // which alone gives the weights
  Transformer model(options);
  model->eval();
  const auto decoder = std::make_shared<TransformerDecoder>(model);
  return {model.ptr(), decoder, [decoder](const auto& sources, const auto& lengths) {
            return decoder->start(sources, lengths);
          }};
}

Decoding recurrent() {
  Recurrent model(RecurrentOptions{.vocab_size = 13, .layers = 2, .d_model = 12});
  model->eval();
  const auto decoder = std::make_shared<RecurrentDecoder>(model);
  return {model.ptr(), decoder, [decoder](const auto& sources, const auto& lengths) {
            return decoder->start(sources, lengths);
          }};
}

struct NamedDecoding {
  std::string name;
  Decoding (*make)();
};

class DecoderTest : public ::testing::TestWithParam<NamedDecoding> {
 protected:
  DecoderTest() {
    torch::manual_seed(4);
    made = GetParam().make();
    sources = torch::randint(13, {3, 6}, torch::kLong);
    targets = torch::randint(13, {3, 5}, torch::kLong);
    lengths = torch::tensor({6, 2, 4}, torch::kLong);
    expected = made.model->logits_of(made.model->hidden(sources, lengths, targets));
  }
  static void expect_close(const torch::Tensor& ours, const torch::Tensor& wanted,
                           const std::string& what) {
    EXPECT_TRUE(torch::allclose(ours, wanted, 1e-4, 1e-5))
        << what << ": " << (ours - wanted).abs().max().item<float>();
  }
  torch::NoGradGuard no_grad;
  Decoding made;
  torch::Tensor sources, targets, lengths;  // [3, 6], [3, 5], [3]
  torch::Tensor expected;                   // [3, 5, V]
};

TEST_P(DecoderTest, TokenByTokenGivesTheScoresOfTeacherForcing) {
  const auto state = made.start(sources, lengths);
  for (int64_t t = 0; t < 5; ++t) {
    const auto scores =
        made.decoder->step(targets.narrow(1, t, 1), torch::ones({3}, torch::kLong), *state);
    expect_close(scores.logits.select(1, 0), expected.select(1, t), std::to_string(t));
  }
  EXPECT_TRUE(state->lengths().eq(5).all().item<bool>());
}

TEST_P(DecoderTest, SeveralTokensAtOnceGiveTheScoresAfterEach) {
  const auto state = made.start(sources, lengths);
  const auto scores = made.decoder->step(targets, torch::full({3}, 5, torch::kLong), *state,
                                         {.every_token = true, .hidden = true});
  expect_close(scores.logits, expected, "every token");
  EXPECT_EQ(scores.hidden.size(1), 5);
}

TEST_P(DecoderTest, GivesItsAttentionToTheSource) {
  const auto state = made.start(sources, lengths);
  const auto scores = made.decoder->step(targets, torch::tensor({5, 2, 4}, torch::kLong), *state,
                                         {.cross_attention = true});
  ASSERT_EQ(scores.cross_attention.sizes(), (std::vector<int64_t>{3, 1, 6}));
  expect_close(scores.cross_attention.sum(-1), torch::ones({3, 1}), "shares");
  EXPECT_EQ(scores.cross_attention[1].narrow(1, 2, 4).abs().max().item<float>(), 0.0f);
}

TEST_P(DecoderTest, ACoverageOfTheSourceCanBeSearchedFor) {
  const std::vector<std::vector<int64_t>> prompts(3, {1});
  const DecodeOptions options{
      .max_new_tokens = 4, .beams = {.num_beams = 3, .coverage_penalty = 0.5}, .eos_ids = {2}};
  EXPECT_EQ(decode(*made.decoder, made.start(sources, lengths), prompts, options).size(), 3u);
}

TEST_P(DecoderTest, EveryStrategyRuns) {
  const std::vector<std::vector<int64_t>> prompts(3, {1});
  const auto count = [&](DecodeOptions options) {
    options.max_new_tokens = 4;
    return decode(*made.decoder, made.start(sources, lengths), prompts, options).size();
  };
  EXPECT_EQ(count({.penalty_alpha = 0.6, .sampling = {.top_k = 3}}), 3u);
  EXPECT_EQ(count({.beams = {.num_beams = 4, .num_beam_groups = 2, .diversity_penalty = 1}}), 3u);
  EXPECT_EQ(count({.beams = {.num_beams = 3, .force_words = {{{5, 6}}}}}), 3u);
}

TEST_P(DecoderTest, RowsMayBringDifferentNumbersOfTokens) {
  const auto state = made.start(sources, lengths);
  const auto counts = torch::tensor({3, 1, 0}, torch::kLong);
  const auto first = made.decoder->step(targets.narrow(1, 0, 3), counts, *state);
  expect_close(first.logits[0][0], expected[0][2], "three tokens");
  expect_close(first.logits[1][0], expected[1][0], "one token");
  EXPECT_TRUE(torch::equal(state->lengths(), counts));
  auto next = torch::zeros({3, 2}, torch::kLong);
  next[0][0] = targets[0][3];
  next[1].copy_(targets[1].narrow(0, 1, 2));
  next[2][0] = targets[2][0];
  const auto second = made.decoder->step(next, torch::tensor({1, 2, 1}, torch::kLong), *state);
  expect_close(second.logits[0][0], expected[0][3], "the fourth of row 0");
  expect_close(second.logits[1][0], expected[1][2], "the third of row 1");
  expect_close(second.logits[2][0], expected[2][0], "the first of row 2");
}

TEST_P(DecoderTest, ReorderedRowsGoOnAsTheRowsTheyCameFrom) {
  const auto state = made.start(sources, lengths);
  const auto one = torch::ones({3}, torch::kLong);
  made.decoder->step(targets.narrow(1, 0, 1), one, *state);
  const auto rows = torch::tensor({2, 0, 0, 1}, torch::kLong);
  state->reorder(rows);
  const auto scores = made.decoder->step(targets.narrow(1, 1, 1).index_select(0, rows),
                                         torch::ones({4}, torch::kLong), *state);
  expect_close(scores.logits.select(1, 0), expected.select(1, 1).index_select(0, rows), "rows");
}

TEST_P(DecoderTest, TokensAreTakenBackOrTheStateSaysThatItCannot) {
  const auto state = made.start(sources, lengths);
  made.decoder->step(targets.narrow(1, 0, 3), torch::full({3}, 3, torch::kLong), *state);
  const auto shorter = torch::tensor({1, 3, 2}, torch::kLong);
  if (!state->can_truncate()) {
    EXPECT_THAT([&] { state->truncate(shorter); }, ::testing::Throws<c10::Error>());
    return;
  }
  state->truncate(shorter);
  const auto next = targets.gather(1, shorter.unsqueeze(1));  // [3, 1]
  const auto scores = made.decoder->step(next, torch::ones({3}, torch::kLong), *state);
  for (int64_t b = 0; b < 3; ++b)
    expect_close(scores.logits[b][0], expected[b][shorter[b].item<int64_t>()], std::to_string(b));
}

TEST_P(DecoderTest, ABatchDecodesAsItsRowsDoAlone) {
  const std::vector<std::vector<int64_t>> prompts(3, {1});
  const DecodeOptions options{.max_new_tokens = 8, .sampling = {.temperature = 0.0}};
  const auto together = generate(*made.decoder, made.start(sources, lengths), prompts, options);
  for (int64_t b = 0; b < 3; ++b) {
    auto alone_state = made.start(sources.narrow(0, b, 1).narrow(1, 0, lengths[b].item<int64_t>()),
                                  lengths.narrow(0, b, 1));
    const std::vector<std::vector<int64_t>> one(1, {1});
    const auto alone = generate(*made.decoder, std::move(alone_state), one, options);
    EXPECT_EQ(alone[0].tokens, together[static_cast<size_t>(b)].tokens) << b;
  }
}

TEST_P(DecoderTest, RowsThatJoinAreScoredAsTheyAreAlone) {
  const auto row = [&](int64_t b) {
    return made.start(sources.narrow(0, b, 1).narrow(1, 0, lengths[b].item<int64_t>()),
                      lengths.narrow(0, b, 1));
  };
  const auto one = torch::ones({1}, torch::kLong);
  auto state = row(1);  // the shortest source
  made.decoder->step(targets[1].narrow(0, 0, 1).unsqueeze(0), one, *state);
  state->append(row(0));  // the longest
  state->append(row(2));
  EXPECT_TRUE(torch::equal(state->lengths(), torch::tensor({1, 0, 0}, torch::kLong)));
  auto next = torch::zeros({3, 2}, torch::kLong);
  next[0].copy_(targets[1].narrow(0, 1, 2));
  next[1][0] = targets[0][0];
  next[2].copy_(targets[2].narrow(0, 0, 2));
  const auto scores = made.decoder->step(next, torch::tensor({2, 1, 2}, torch::kLong), *state);
  expect_close(scores.logits[0][0], expected[1][2], "row 1");
  expect_close(scores.logits[1][0], expected[0][0], "row 0");
  expect_close(scores.logits[2][0], expected[2][1], "row 2");
  state->reorder(torch::tensor({0, 2}, torch::kLong));  // the longest source leaves
  state->append(row(2));
  next = torch::stack({targets[1][3], targets[2][2], targets[2][0]}).unsqueeze(1);
  const auto later = made.decoder->step(next, torch::ones({3}, torch::kLong), *state);
  expect_close(later.logits[0][0], expected[1][3], "row 1, later");
  expect_close(later.logits[1][0], expected[2][2], "row 2, later");
  expect_close(later.logits[2][0], expected[2][0], "row 2 again");
}

TEST_P(DecoderTest, TranslationsThatJoinLateAreWhatTheyAreAlone) {
  const DecodeOptions options{.max_new_tokens = 8, .sampling = {.temperature = 0.0}};
  const std::vector<std::vector<int64_t>> one(1, {1});
  const auto row = [&](int64_t b) {
    return made.start(sources.narrow(0, b, 1).narrow(1, 0, lengths[b].item<int64_t>()),
                      lengths.narrow(0, b, 1));
  };
  GenerationLoop loop(*made.decoder);
  std::vector<std::vector<int64_t>> texts(3);
  const auto step = [&] {
    for (const TokenEvent& event : loop.step())
      texts[static_cast<size_t>(event.id)].push_back(event.token);
  };
  for (int64_t b = 0; b < 3; ++b) {
    loop.add(one, options, row(b));
    step();
    step();
  }
  while (!loop.empty()) step();
  for (int64_t b = 0; b < 3; ++b) {
    EXPECT_EQ(texts[static_cast<size_t>(b)],
              generate(*made.decoder, row(b), one, options)[0].tokens)
        << b;
  }
}

INSTANTIATE_TEST_SUITE_P(Models, DecoderTest,
                         ::testing::Values(NamedDecoding{"Transformer", transformer},
                                           NamedDecoding{"Recurrent", recurrent}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace zoo
