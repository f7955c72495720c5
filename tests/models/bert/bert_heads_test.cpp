// Heads: scores at places alone equal those of all tokens, every parameter learns, padding does not
// enter a sentence's embedding.
#include "models/bert/bert_heads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/bert/bert_task.h"
#include "models/layers/token_selection.h"
#include "tests/models/bert/tiny_berts.h"
#include "tests/support/gradient_check.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;

torch::Tensor masked_tokens() { return torch::randint(2, 17, {3, 7}, torch::kLong); }

class BertHeadsTest : public ::testing::TestWithParam<testing::NamedBert> {
 protected:
  static BertTaskModel model_of(BertTask task) {
    torch::manual_seed(8);
    return BertTaskModel(BertTaskOptions{.bert = GetParam().options, .task = task, .labels = 3});
  }
};

TEST_P(BertHeadsTest, ScoresAtPlacesEqualThoseOfAllTokensThere) {
  auto model = model_of(BertTask::kMaskedLm);
  const auto hidden = model->bert->forward(masked_tokens());  // [B, T, C]
  const auto chosen = torch::rand({3, 7}).lt(0.4);
  const auto all = model->masked_lm_logits(hidden);
  const auto some = model->masked_lm_logits(hidden, indices_of(chosen));
  ASSERT_EQ(all.sizes(), (std::vector<int64_t>{3, 7, 17}));
  EXPECT_TRUE(torch::allclose(some, all.index({chosen}), 1e-5, 1e-5));
  const auto none = model->masked_lm_logits(hidden, indices_of(torch::zeros_like(chosen)));
  EXPECT_EQ(none.sizes(), (std::vector<int64_t>{0, 17}));
}

TEST_P(BertHeadsTest, EveryParameterOfEveryTaskLearns) {
  for (const auto& [task, name] : EnumNames<BertTask>::values) {
    if (task == BertTask::kNone || !has_task(GetParam().options.family, task)) continue;
    auto model = model_of(task);
    const auto hidden = model->bert->forward(masked_tokens());
    auto loss = torch::zeros({});
    if (model->masked_lm) loss = loss + model->masked_lm_logits(hidden).pow(3).mean();
    if (model->pair) loss = loss + model->pair_logits(hidden).pow(3).mean();
    if (model->classifier) loss = loss + model->class_logits(hidden).pow(3).mean();
    if (model->replaced) loss = loss + model->replaced_logits(hidden).pow(3).mean();
    loss.backward();
    for (const auto& p : model->named_parameters()) {
      ASSERT_TRUE(p.value().grad().defined()) << name << ": " << p.key();
      EXPECT_TRUE(p.value().grad().any().item<bool>()) << name << ": " << p.key();
    }
  }
}

TEST_P(BertHeadsTest, ClassifiersGiveOneScoreALabel) {
  const auto tokens = masked_tokens();
  auto text = model_of(BertTask::kClassifyText), token = model_of(BertTask::kClassifyTokens);
  EXPECT_EQ(text->class_logits(text->bert->forward(tokens)).sizes(), (std::vector<int64_t>{3, 3}));
  EXPECT_EQ(token->class_logits(token->bert->forward(tokens)).sizes(),
            (std::vector<int64_t>{3, 7, 3}));
  EXPECT_THAT(testing::torch_error_of([&] {
                text->masked_lm_logits(torch::zeros({1, 1, 15}));
              }),
              HasSubstr("task classify-text has no masked-LM head"));
}

INSTANTIATE_TEST_SUITE_P(Models, BertHeadsTest, ::testing::ValuesIn(testing::tiny_berts()),
                         testing::bert_name);

TEST(MaskedLmHeadTest, IsALayerANormAndTheEmbeddingWithABias) {
  MaskedLmHead head(MaskedLmHeadOptions{.d_model = 5, .embedding_width = 3, .vocab_size = 4});
  const auto hidden = torch::randn({2, 5}), embedding = torch::randn({4, 3});
  {
    const torch::NoGradGuard no_grad;
    head->bias.copy_(torch::tensor({1.0, 2.0, 3.0, 4.0}));
  }
  const auto h = torch::gelu(torch::mm(hidden, head->dense->weight.t()) + head->dense->bias);
  const auto centred = h - h.mean(-1, true);
  const auto norm = centred / (centred.square().mean(-1, true) + 1e-12).sqrt();
  const auto wanted = torch::mm(norm, embedding.t()) + torch::arange(1, 5);
  EXPECT_TRUE(torch::allclose(head->forward(hidden, embedding), wanted, 1e-4, 1e-5));
}

}  // namespace
}  // namespace zoo
