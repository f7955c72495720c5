#include "infer/decode/contrastive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "infer/decode/generate.h"
#include "infer/generation/gpt_decoder.h"
#include "tests/infer/decode/table_model.h"
#include "tests/infer/tiny_models.h"

namespace zoo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TableModel;
using testing::tiny_gpt;
using testing::tiny_options;
using PromptList = std::vector<std::vector<int64_t>>;

DecodeOptions contrasting(double alpha, int64_t k, int64_t tokens) {
  return {.max_new_tokens = tokens, .penalty_alpha = alpha, .sampling = {.top_k = k}};
}

std::vector<Generation> contrastive(const Gpt& model, const PromptList& prompts,
                                    const DecodeOptions& options, bool use_cache = true) {
  GptDecoder decoder(model, use_cache);
  const auto state = decoder.start(std::ssize(prompts));
  return contrastive_search(decoder, *state, prompts, options);
}

std::vector<Generation> contrastive_table(const torch::Tensor& table, const torch::Tensor& hidden,
                                          const DecodeOptions& options) {
  TableModel model(table, hidden);
  TableModel::State state(1);
  return contrastive_search(model, state, PromptList{{0}}, options);
}

/// Eq. 5 with the whole text read again for every candidate.
std::vector<int64_t> by_definition(Gpt model, std::vector<int64_t> text, double alpha, int64_t k,
                                   int64_t count) {
  const torch::NoGradGuard no_gradients;
  std::vector<int64_t> added;
  for (int64_t step = 0; step < count; ++step) {
    const auto logits = model(torch::tensor(text, torch::kLong).unsqueeze(0))[0][-1];  // [V]
    const auto [p, tokens] = logits.softmax(-1).topk(k);
    double best = -10;
    int64_t chosen = 0;
    for (int64_t i = 0; i < k; ++i) {
      auto longer = text;
      longer.push_back(tokens[i].item<int64_t>());
      const auto h = model->hidden(torch::tensor(longer, torch::kLong).unsqueeze(0))[0];  // [T, C]
      double likeness = -1;
      for (int64_t j = 0; j + 1 < h.size(0); ++j) {
        const auto cosine = torch::cosine_similarity(h[-1], h[j], 0).item<double>();
        likeness = std::max(likeness, cosine);
      }
      const double score = (1 - alpha) * p[i].item<double>() - alpha * likeness;
      if (score > best) {
        best = score;
        chosen = longer.back();
      }
    }
    text.push_back(chosen);
    added.push_back(chosen);
  }
  return added;
}

TEST(ContrastiveTest, ChoosesAsTheDefinitionDoes) {
  const PromptList prompts = {{5, 9, 2}, {7}, {28, 0, 1, 2, 3}};
  for (const auto& [name, kind] : testing::every_kind_of_gpt()) {
    const auto model = tiny_gpt(kind);
    for (const double alpha : {0.3, 0.7}) {
      const auto ours = contrastive(model, prompts, contrasting(alpha, 4, 8));
      for (size_t p = 0; p < prompts.size(); ++p) {
        EXPECT_EQ(ours[p].tokens, by_definition(model, prompts[p], alpha, 4, 8))
            << name << ", prompt " << p;
      }
    }
  }
}

TEST(ContrastiveTest, WithoutPenaltyOrWithOneCandidateItIsGreedy) {
  const auto model = tiny_gpt(tiny_options());
  const PromptList prompts = {{5, 9, 2}, {7}};
  GptDecoder decoder(model);
  const auto greedy = generate(decoder, decoder.start(2), prompts,
                               {.max_new_tokens = 20, .sampling = {.temperature = 0}});
  for (const auto& options : {contrasting(0, 5, 20), contrasting(0.6, 1, 20)}) {
    const auto ours = contrastive(model, prompts, options);
    for (size_t p = 0; p < 2; ++p) {
      EXPECT_EQ(ours[p].tokens, greedy[p].tokens);
      EXPECT_NEAR(ours[p].log_prob(), greedy[p].log_prob(), 1e-3);
    }
  }
}

TEST(ContrastiveTest, CachedUncachedBatchedAndAloneAreTheSame) {
  const auto model = tiny_gpt(tiny_options());
  const PromptList prompts = {{5, 9, 2}, {7}, {28, 0, 1, 2, 3, 4, 5, 6}};
  auto options = contrasting(0.6, 4, 24);  // past the context
  options.eos_ids = {3};
  const auto together = contrastive(model, prompts, options);
  const auto uncached = contrastive(model, prompts, options, false);
  for (size_t p = 0; p < prompts.size(); ++p) {
    EXPECT_EQ(uncached[p].tokens, together[p].tokens);
    EXPECT_EQ(contrastive(model, {prompts[p]}, options)[0].tokens, together[p].tokens);
  }
}

// After token 0, token 0 has probability 0.6 and token 1 0.3. Token 0 looks like the text (cosine
// 1), token 1 is at a right angle: 0.6 (1 - a) - a < 0.3 (1 - a) where a > 0.3 / 1.3.
TEST(ContrastiveTest, ByHand) {
  const auto row = torch::tensor({0.6, 0.3, 0.1}).log();
  const auto table = torch::stack({row, row, row});
  const auto hidden = torch::tensor({{2.0, 0.0}, {0.0, 3.0}, {-1.0, 0.0}});
  EXPECT_THAT(contrastive_table(table, hidden, contrasting(0.22, 2, 1))[0].tokens, ElementsAre(0));
  const auto unlike = contrastive_table(table, hidden, contrasting(0.24, 2, 1))[0];
  EXPECT_THAT(unlike.tokens, ElementsAre(1));
  EXPECT_NEAR(unlike.log_prob(), std::log(0.3), 1e-5);
  // Token 2 points away from the text, and is no candidate before the third.
  EXPECT_THAT(contrastive_table(table, hidden, contrasting(0.9, 3, 1))[0].tokens, ElementsAre(2));
}

TEST(ContrastiveTest, AForbiddenTokenIsNotChosenForBeingUnlikeTheText) {
  auto options = contrasting(0.9, 3, 1);
  options.processors.suppress_tokens = {2};
  const auto hidden = torch::tensor({{2.0, 0.0}, {0.0, 3.0}, {-1.0, 0.0}});
  EXPECT_THAT(contrastive_table(torch::zeros({3, 3}), hidden, options)[0].tokens, ElementsAre(1));
}

TEST(ContrastiveTest, EndsWithEndOfTextAStopOrAnInterrupt) {
  const auto hidden = torch::eye(3);
  auto options = contrasting(0.1, 2, 5);
  options.eos_ids = {1};
  const auto table = 9 * torch::eye(3).roll(1, 1);  // 0 -> 1 -> 2
  EXPECT_EQ(contrastive_table(table, hidden, options)[0].finish, FinishReason::kEos);
  options.eos_ids = {};
  options.interrupted = [steps = 0]() mutable { return ++steps > 2; };
  const auto cut = contrastive_table(table, hidden, options)[0];
  EXPECT_EQ(cut.finish, FinishReason::kInterrupted);
  EXPECT_EQ(cut.tokens.size(), 2U);
  EXPECT_TRUE(contrastive_table(table, hidden, contrasting(0.1, 2, 0))[0].tokens.empty());
}

TEST(ContrastiveTest, AModelWithoutHiddenStatesIsRefused) {
  EXPECT_THAT([&] { contrastive_table(torch::eye(3), {}, contrasting(0.5, 2, 3)); },
              ::testing::ThrowsMessage<std::runtime_error>(
                  HasSubstr("penalty-alpha needs a model that gives its hidden states")));
}

}  // namespace
}  // namespace zoo
