// Laws that hold for every BERT: everybody sees everybody, padding and batch mates change nothing.
#include "models/bert/bert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/models/attention/kernel_support.h"
#include "tests/models/bert/tiny_berts.h"
#include "tests/support/gradient_check.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using testing::torch_error_of;

class BertTest : public ::testing::TestWithParam<testing::NamedBert> {
 protected:
  BertTest() : bert(seeded(GetParam().options)) { bert->eval(); }
  static Bert seeded(const BertOptions& options) {
    torch::manual_seed(8);
    return Bert(options);
  }
  /// Without ids 0 and 1, which pad.
  static torch::Tensor tokens(int64_t B, int64_t T) {
    return torch::randint(2, 17, {B, T}, torch::kLong);
  }
  static bool close(const torch::Tensor& a, const torch::Tensor& b) {
    return torch::allclose(a, b, 1e-4, 1e-5);
  }
  Bert bert;
};

TEST_P(BertTest, EveryTokenReachesEveryOther) {
  const torch::NoGradGuard no_grad;
  const auto before = tokens(1, 6), wanted = bert(before);
  ASSERT_EQ(wanted.sizes(), (std::vector<int64_t>{1, 6, 15}));
  for (int64_t t = 0; t < 6; ++t) {
    auto changed = before.clone();
    changed.select(1, t).add_(3).remainder_(15).add_(2);
    const auto moved = (bert(changed) - wanted).abs().amax({0, 2});  // [T]
    EXPECT_GT(moved.min().item<double>(), 1e-4) << t;
  }
}

TEST_P(BertTest, ABatchEqualsItsRowsOneByOne) {
  const torch::NoGradGuard no_grad;
  const auto batch = tokens(3, 7), together = bert(batch);
  for (int64_t b = 0; b < 3; ++b)
    EXPECT_TRUE(close(together.narrow(0, b, 1), bert(batch.narrow(0, b, 1))));
}

TEST_P(BertTest, PaddingDoesNotChangeOtherTokens) {
  const torch::NoGradGuard no_grad;
  const auto batch = tokens(2, 7);
  batch.select(0, 1).narrow(0, 4, 3).fill_(1);
  const auto alone = bert(batch.narrow(0, 1, 1).narrow(1, 0, 4));
  const auto lengths = torch::tensor({7, 4}, torch::kLong);
  const auto mask = torch::arange(7).lt(lengths.view({2, 1, 1, 1}));  // [B, 1, 1, S]
  const auto by_length = bert->forward(batch, {.args = {.key_lengths = lengths}});
  const auto by_mask = bert->forward(batch, {.args = {.may_attend = mask}});
  for (const auto& padded : {by_length, by_mask}) {
    EXPECT_TRUE(close(padded.narrow(0, 0, 1), bert(batch.narrow(0, 0, 1))));
    EXPECT_TRUE(close(padded.narrow(0, 1, 1).narrow(1, 0, 4), alone));
  }
}

TEST_P(BertTest, EveryKernelGivesTheSameOutput) {
  const torch::NoGradGuard no_grad;
  const auto batch = tokens(2, 9);
  const BertContext padded{.args = {.key_lengths = torch::tensor({9, 5}, torch::kLong)}};
  const auto wanted = bert->forward(batch, padded).narrow(1, 0, 5);
  for (const auto& kernel : testing::kernels_on_the_cpu()) {
    auto options = GetParam().options;
    options.attention = kernel;
    auto other = seeded(options);
    other->eval();
    EXPECT_TRUE(close(other->forward(batch, padded).narrow(1, 0, 5), wanted)) << kernel;
  }
}

TEST_P(BertTest, GradientsMatchFiniteDifferences) {
  bert->to(torch::kDouble);
  const auto batch = tokens(2, 5);
  const auto loss = [&] {
    const auto hidden = bert(batch);
    const auto mean = hidden.pow(3).mean();
    return bert->pooler ? mean + bert->pool(hidden).pow(3).mean() : mean;
  };
  testing::expect_gradients_match_differences(loss, bert->parameters(), 6);
}

TEST_P(BertTest, SegmentsAndPositionsCount) {
  const torch::NoGradGuard no_grad;
  const auto batch = tokens(2, 4), wanted = bert(batch);
  const auto counted = bert->default_positions(batch).contiguous();
  EXPECT_TRUE(torch::equal(bert->forward(batch, {.positions = counted}), wanted));
  // A scheme by distance counts tokens, not their ids.
  EXPECT_EQ(close(bert->forward(batch, {.positions = counted.flip(1)}), wanted),
            bert->options.position != PositionKind::kLearned);
  EXPECT_TRUE(torch::equal(bert->forward(batch, {.segments = torch::zeros_like(batch)}), wanted));
  if (bert->options.segments < 2) return;
  EXPECT_FALSE(close(bert->forward(batch, {.segments = torch::ones_like(batch)}), wanted));
}

TEST_P(BertTest, TracesHiddenStatesAndAttentions) {
  auto options = GetParam().options;
  options.attention = "matmul";
  Bert traced(options);
  Trace trace{.hidden_states = true, .attentions = true};
  const auto batch = tokens(2, 5);
  traced->eval();
  const auto last = traced->forward(batch, {.trace = &trace});
  ASSERT_EQ(trace.tensors.size(), 3U + 2U);
  EXPECT_TRUE(torch::equal(trace.tensors.at("hidden_states.0"), traced->embed(batch)));
  EXPECT_TRUE(torch::equal(trace.tensors.at("hidden_states.2"), last));
  for (const char* name : {"attentions.0", "attentions.1"})
    EXPECT_TRUE(torch::allclose(trace.tensors.at(name).sum(-1), torch::ones({2, 3, 5})));
}

TEST_P(BertTest, ASequenceLongerThanTheContextIsRefused) {
  EXPECT_NO_THROW(bert(tokens(1, 12)));
  EXPECT_THAT(torch_error_of([&] { bert(tokens(1, 13)); }),
              HasSubstr("Bert: a sequence of 13 tokens is longer than the model's context of 12"));
}

INSTANTIATE_TEST_SUITE_P(Models, BertTest, ::testing::ValuesIn(testing::tiny_berts()),
                         testing::bert_name);

TEST(BertPositionsTest, RobertaCountsRealTokensFromThePaddingIdOn) {
  const Bert roberta(testing::tiny_berts()[1].options);
  const auto ids = torch::tensor({{1, 5, 6, 1, 7}, {5, 1, 1, 1, 1}});
  EXPECT_TRUE(torch::equal(roberta->default_positions(ids),
                           torch::tensor({{1, 2, 3, 1, 4}, {2, 1, 1, 1, 1}})));
  EXPECT_EQ(roberta->position->max_positions(), 12 + 2);
}

TEST(BertSharingTest, LayersThatShareABlockEqualCopiesOfIt) {
  auto options = testing::tiny_berts()[2].options;
  options.layers = 5;
  options.shared_blocks = 2;  // layers 0 to 2, layers 3 and 4
  Bert shared(options);
  options.shared_blocks = 0;
  Bert copied(options);
  const torch::NoGradGuard no_grad;
  auto values = shared->named_parameters();
  for (auto& p : copied->named_parameters()) {
    std::string name = p.key();
    if (name.starts_with("blocks.")) name[7] = name[7] < '3' ? '0' : '1';
    p.value().copy_(values[name]);
  }
  const auto batch = torch::randint(17, {2, 6}, torch::kLong);
  EXPECT_TRUE(torch::equal(shared(batch), copied(batch)));
}

TEST(BertDropoutTest, BothSitesDropInTrainingOnly) {
  using Site = double BertOptions::*;
  for (const Site site : {Site{&BertOptions::dropout}, Site{&BertOptions::attention_dropout}}) {
    auto options = testing::tiny_bert();
    options.*site = 0.5;
    Bert bert(options);
    const auto batch = torch::randint(17, {2, 6}, torch::kLong);
    EXPECT_FALSE(torch::allclose(bert(batch), bert(batch)));
    bert->eval();
    EXPECT_TRUE(torch::equal(bert(batch), bert(batch)));
  }
}

}  // namespace
}  // namespace zoo
