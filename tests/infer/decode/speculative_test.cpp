#include "infer/decode/speculative.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "infer/decode/generate.h"
#include "infer/generation/gpt_decoder.h"
#include "tests/infer/decode/table_model.h"
#include "tests/infer/tiny_models.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using testing::tiny_gpt;
using testing::tiny_options;
using PromptList = std::vector<std::vector<int64_t>>;

const PromptList kDrafted = {{5, 9, 2}, {7}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}};

std::vector<Generation> speculated(const Gpt& model, const Gpt& draft, const PromptList& prompts,
                                   const DecodeOptions& options) {
  GptDecoder target(model), drafter(draft);
  const auto state = target.start(std::ssize(prompts)), drafts = drafter.start(std::ssize(prompts));
  return speculate(target, *state, drafter, *drafts, prompts, options);
}

std::vector<Generation> run_alone(const Gpt& model, const PromptList& prompts,
                                  const DecodeOptions& options) {
  GptDecoder target(model);
  return generate(target, target.start(std::ssize(prompts)), prompts, options);
}

TEST(SpeculativeTest, GreedyIsGreedyWhateverTheDraft) {
  for (const auto& [name, kind] : testing::every_kind_of_gpt()) {
    const auto model = tiny_gpt(kind, 1);
    for (const uint64_t seed : {1, 2}) {  // the model itself, and one that is mostly wrong
      for (const int64_t drafts : {1, 4}) {
        DecodeOptions options{.max_new_tokens = 30, .sampling = {.temperature = 0}};
        options.processors.no_repeat_ngram_size = 3;
        options.num_assistant_tokens = drafts;
        options.eos_ids = {3};
        const auto ours = speculated(model, tiny_gpt(kind, seed), kDrafted, options);
        const auto greedy = run_alone(model, kDrafted, options);
        for (size_t p = 0; p < kDrafted.size(); ++p) {
          EXPECT_EQ(ours[p].tokens, greedy[p].tokens) << name << ", drafts " << drafts;
          EXPECT_EQ(ours[p].finish, greedy[p].finish);
          EXPECT_NEAR(ours[p].score, greedy[p].score, 1e-2);
        }
      }
    }
  }
}

// Texts of two tokens over a vocabulary of four: 16 outcomes against their probabilities.
TEST(SpeculativeTest, DrawsFromTheModelsOwnDistribution) {
  auto kind = tiny_options();
  kind.vocab_size = 4;
  const auto model = tiny_gpt(kind, 1);
  constexpr int64_t kSamples = 4000;
  DecodeOptions options{.max_new_tokens = 2, .num_return_sequences = kSamples, .seed = 9};
  options.sampling.temperature = 1.5;
  options.num_assistant_tokens = 2;
  std::map<std::vector<int64_t>, double> times;
  for (const auto& text : speculated(model, tiny_gpt(kind, 2), {{1, 3}}, options))
    times[text.tokens] += 1;
  auto forward = model;
  const torch::NoGradGuard no_grad;
  const auto next = [&](const std::vector<int64_t>& text) {
    return (forward(torch::tensor(text, torch::kLong).unsqueeze(0))[0][-1] / 1.5).softmax(-1);
  };
  double chi_squared = 0;
  for (int64_t a = 0; a < 4; ++a) {
    for (int64_t b = 0; b < 4; ++b) {
      const double expected =
          kSamples * next({1, 3})[a].item<double>() * next({1, 3, a})[b].item<double>();
      chi_squared += std::pow(times[{a, b}] - expected, 2) / expected;
    }
  }
  EXPECT_LT(chi_squared, 37.7);  // fifteen degrees of freedom: passed once in a thousand seeds
}

TEST(SpeculativeTest, ABatchGivesWhatItsPromptsGiveAlone) {
  const auto model = tiny_gpt(tiny_options(), 1), draft = tiny_gpt(tiny_options(), 2);
  const DecodeOptions options{.max_new_tokens = 25, .seed = 4, .eos_ids = {3, 11}};
  const auto together = speculated(model, draft, kDrafted, options);
  for (size_t p = 0; p < kDrafted.size(); ++p) {
    EXPECT_EQ(speculated(model, draft, {kDrafted[p]}, options)[0].tokens, together[p].tokens);
  }
}

TEST(SpeculativeTest, RefusesStatesThatCannotForgetAndOtherVocabularies) {
  testing::TableModel table(torch::eye(29));
  testing::TableModel::State cannot(1);
  GptDecoder decoder(tiny_gpt(tiny_options()));
  const auto state = decoder.start(1);
  EXPECT_THAT([&] { speculate(decoder, *state, table, cannot, PromptList{{1}}, {}); },
              ::testing::ThrowsMessage<std::runtime_error>(HasSubstr("must take drafts back")));
  auto other = tiny_options();
  other.vocab_size = 30;
  EXPECT_THAT([&] { speculated(tiny_gpt(tiny_options()), tiny_gpt(other), {{1}}, {}); },
              ::testing::ThrowsMessage<std::runtime_error>(
                  HasSubstr("the draft model has a vocabulary of 30, the model one of 29")));
}

}  // namespace
}  // namespace zoo
