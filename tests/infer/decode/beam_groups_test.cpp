#include "infer/decode/beam/beam_groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "infer/decode/beam/beam_search.h"
#include "infer/generation/gpt_decoder.h"
#include "tests/infer/decode/table_model.h"
#include "tests/infer/tiny_models.h"

namespace zoo {
namespace {

using ::testing::ElementsAre;
using PromptList = std::vector<std::vector<int64_t>>;

std::vector<Generation> run_groups(const PromptList& prompts, const DecodeOptions& options,
                                   bool use_cache = true) {
  GptDecoder decoder(testing::tiny_gpt(testing::tiny_options()), use_cache);
  const auto state = decoder.start(std::ssize(prompts));
  return beam_search(decoder, *state, prompts, options);
}

DecodeOptions grouped(int64_t beams, int64_t groups, double penalty, int64_t tokens) {
  return {.max_new_tokens = tokens,
          .num_return_sequences = beams,
          .beams = {.num_beams = beams, .num_beam_groups = groups, .diversity_penalty = penalty}};
}

TEST(BeamGroupsTest, ATakenTokenCostsThePenaltyEachTime) {
  const auto scores = torch::tensor({{-1.0, -2.0, -3.0}});
  const auto less = penalise_taken(scores, std::vector<int64_t>{0, 2, 0}, 0.5);
  EXPECT_TRUE(less.allclose(torch::tensor({{-2.0, -2.0, -3.5}})));
  EXPECT_TRUE(penalise_taken(scores, {}, 0.5).equal(scores));
}

// Two groups of one beam. p = 0.5, 0.3, 0.2 after every token. The first group takes 0 and 0; the
// second sees log 0.5 - 1 = -1.69 for it, and takes 1 (log 0.3 = -1.20), twice.
TEST(BeamGroupsTest, ByHand) {
  const auto row = torch::tensor({0.5, 0.3, 0.2}).log();
  testing::TableModel model(torch::stack({row, row, row}));
  testing::TableModel::State state(1);
  const auto texts = beam_search(model, state, PromptList{{0}}, grouped(2, 2, 1.0, 2));
  ASSERT_EQ(texts.size(), 2U);
  EXPECT_THAT(texts[0].tokens, ElementsAre(0, 0));
  EXPECT_THAT(texts[1].tokens, ElementsAre(1, 1));
  EXPECT_NEAR(texts[1].score, std::log(0.3), 1e-5);
  // A penalty that a group pays stays in its score: log 0.5 - 0.2 is still the best.
  testing::TableModel::State again(1);
  const auto alike = beam_search(model, again, PromptList{{0}}, grouped(2, 2, 0.2, 2));
  EXPECT_THAT(alike[1].tokens, ElementsAre(0, 0));
  EXPECT_NEAR(alike[1].score, std::log(0.5) - 0.2, 1e-5);
  EXPECT_NEAR(alike[1].log_prob(), 2 * std::log(0.5), 1e-5);
}

TEST(BeamGroupsTest, WithoutPenaltyEachGroupIsABeamSearchOfItsWidth) {
  const PromptList prompts = {{5, 9, 2}, {7}};
  const auto groups = run_groups(prompts, grouped(6, 3, 0.0, 10));
  const auto plain = run_groups(prompts, grouped(2, 1, 0.0, 10));
  ASSERT_EQ(groups.size(), 12U);
  for (size_t i = 0; i < groups.size(); ++i) {
    EXPECT_EQ(groups[i].tokens, plain[i / 6 * 2 + i % 6 / 3].tokens) << i;
    EXPECT_EQ(groups[i].prompt, static_cast<int64_t>(i / 6));
    EXPECT_EQ(groups[i].sample, static_cast<int64_t>(i % 6));
  }
}

TEST(BeamGroupsTest, CachedUncachedBatchedAndAloneAreTheSame) {
  const PromptList prompts = {{5, 9, 2}, {7}, {28, 0, 1, 2, 3, 4, 5, 6}};
  auto options = grouped(4, 2, 0.7, 24);  // past the context
  options.eos_ids = {3, 11};
  const auto together = run_groups(prompts, options);
  const auto uncached = run_groups(prompts, options, false);
  ASSERT_EQ(together.size(), 12U);
  for (size_t i = 0; i < together.size(); ++i) {
    EXPECT_EQ(uncached[i].tokens, together[i].tokens);
    EXPECT_EQ(run_groups({prompts[i / 4]}, options)[i % 4].tokens, together[i].tokens);
  }
}

}  // namespace
}  // namespace zoo
