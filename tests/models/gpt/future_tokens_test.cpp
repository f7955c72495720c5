// Multi-token prediction: its loss by definition, and a model that is the same without it.
#include "models/gpt/future_tokens.h"

#include <gtest/gtest.h>

#include <optional>

#include "models/gpt/gpt.h"
#include "models/layers/auxiliary_losses.h"
#include "models/pretrained/gpt/gpt_checkpoint.h"
#include "tests/models/gpt/tiny_gpts.h"
#include "tests/support/gradient_check.h"
#include "tests/support/temporary_folder.h"

namespace zoo {
namespace {

Gpt far_sighted(int64_t tokens = 2) {
  GptOptions options = testing::tiny_gpt();
  options.future_tokens = tokens;
  options.future_token_loss = 0.5;
  torch::manual_seed(3);
  Gpt gpt(options);
  gpt->to(torch::kDouble);
  return gpt;
}

torch::Tensor ids(int64_t B, int64_t T) {
  return (torch::arange(B * T, torch::kLong) * 7 + 3).remainder(17).view({B, T});
}

double loss_of(Gpt& gpt, const torch::Tensor& tokens, const GptContext& context = {}) {
  const AuxiliaryLosses auxiliary;
  gpt->forward(tokens, context);
  return auxiliary.means().at("future_token_loss");
}

TEST(FutureTokensTest, EachBlockIsScoredOnTheTokenItLooksFor) {
  auto gpt = far_sighted();
  const auto tokens = ids(2, 6);
  const auto states = gpt->hidden(tokens);
  double sum = 0.0;
  for (int64_t n = 1; n <= 2; ++n) {
    const auto read = gpt->future_tokens->blocks->at<BlockImpl>(static_cast<size_t>(n - 1))
                          .forward(states, {.args = {.causal = true}});
    const auto scores = gpt->logits_of(gpt->final_norm(read)).log_softmax(-1);
    for (int64_t b = 0; b < 2; ++b)
      for (int64_t t = 0; t + n + 1 < 6; ++t)
        sum -= scores[b][t][tokens[b][t + n + 1].item<int64_t>()].item<double>();
  }
  EXPECT_NEAR(loss_of(gpt, tokens), sum / (2 * (4 + 3)), 1e-10);
}

TEST(FutureTokensTest, PaddingIsNotPredicted) {
  auto gpt = far_sighted();
  auto tokens = ids(2, 6);
  const GptContext context{.args = {.key_lengths = torch::tensor({6, 4}, torch::kLong)}};
  const double before = loss_of(gpt, tokens, context);
  tokens[1].narrow(0, 4, 2).fill_(1);
  EXPECT_DOUBLE_EQ(loss_of(gpt, tokens, context), before);
}

TEST(FutureTokensTest, TextsTooShortHaveNoLoss) {
  auto gpt = far_sighted();
  EXPECT_EQ(loss_of(gpt, ids(3, 2)), 0.0);
  EXPECT_EQ(loss_of(gpt, ids(3, 1)), 0.0);
  EXPECT_GT(loss_of(gpt, ids(3, 3)), 0.0);
}

TEST(FutureTokensTest, GradientsMatchFiniteDifferences) {
  auto gpt = far_sighted();
  const auto tokens = ids(2, 5);
  const auto loss = [&] {
    const auto states = gpt->hidden(tokens);
    const auto logits = [&](const torch::Tensor& read) { return gpt->logits_of(read); };
    return gpt->future_tokens->loss(states, tokens, {.args = {.causal = true}}, logits);
  };
  testing::expect_gradients_match_differences(loss, gpt->future_tokens->parameters(), 4);
}

TEST(FutureTokensTest, TheObjectiveGetsTheirWeightedGradient) {
  auto gpt = far_sighted(1);
  const auto tokens = ids(2, 5);
  const auto gradient = [&](bool auxiliary) {
    gpt->zero_grad();
    std::optional<AuxiliaryLosses> losses;
    if (auxiliary) losses.emplace();
    gpt->forward(tokens).sum().backward();
    return gpt->token_embedding->weight.grad().clone();
  };
  const auto without = gradient(false), with = gradient(true);
  gpt->zero_grad();
  const auto states = gpt->hidden(tokens);
  const auto logits = [&](const torch::Tensor& read) {
    return gpt->logits_of(gpt->final_norm(read));
  };
  (0.5 * gpt->future_tokens->loss(states, tokens, {.args = {.causal = true}}, logits)).backward();
  EXPECT_TRUE(torch::allclose(with - without, gpt->token_embedding->weight.grad(), 1e-8, 1e-10));
}

TEST(FutureTokensTest, AfterTrainingTheModelIsItself) {
  const torch::NoGradGuard no_grad;
  auto gpt = far_sighted();
  gpt->to(torch::kFloat);
  gpt->eval();
  GptOptions options = gpt->options;
  options.future_tokens = 0;
  Gpt plain(options);
  plain->eval();
  auto weights = plain->named_parameters();
  for (const auto& parameter : gpt->named_parameters())
    if (auto* const same = weights.find(parameter.key())) same->copy_(parameter.value());
  EXPECT_TRUE(torch::equal(plain(ids(2, 6)), gpt(ids(2, 6))));
  const testing::TemporaryFolder folder;
  save_gpt(gpt, folder.path());
  EXPECT_TRUE(torch::equal(load_gpt(folder.path())(ids(2, 6)), gpt(ids(2, 6))));
}

}  // namespace
}  // namespace zoo
