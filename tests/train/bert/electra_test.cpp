// ELECTRA's pair: what is shared, and how its task is scored.
#include "models/bert/electra.h"

#include <gmock/gmock.h>

#include <set>

#include "train/bert/electra_task.h"

namespace zoo {
namespace {

BertOptions discriminator() {
  BertOptions o;
  o.family = BertFamily::kElectra;
  o.vocab_size = 20;
  o.context = 8;
  o.d_model = 16;
  o.heads = 4;
  o.layers = 1;
  o.pooler = false;
  return o;
}

TEST(ElectraTest, TheGeneratorIsNarrowerWithHeadsAndEmbeddingsAsWide) {
  const BertOptions quarter = electra_generator(discriminator(), 0.25);
  EXPECT_EQ(quarter.heads, 1);
  EXPECT_EQ(quarter.d_model, 4);
  EXPECT_EQ(quarter.feed_forward, 16);
  EXPECT_EQ(quarter.embedding_width, 16);
  EXPECT_EQ(electra_generator(discriminator(), 1.0).embedding_width, 0);
  EXPECT_EQ(electra_generator(discriminator(), 0.01).heads, 1);
  BertOptions regularised = discriminator();
  regularised.head_dropout = regularised.head_diversity = 0.5;
  EXPECT_NO_THROW(check(electra_generator(regularised, 0.01)));
  EXPECT_EQ(electra_generator(regularised, 1.0).head_dropout, 0.5);
}

TEST(ElectraTest, EachParameterComesOnceAndTheEmbeddingsAreShared) {
  Electra pair(discriminator(), electra_generator(discriminator(), 0.25));
  std::set<void*> storages;
  for (const auto& p : pair->parameters()) EXPECT_TRUE(storages.insert(p.data_ptr()).second);
  const size_t before = pair->parameters().size();
  pair->with_whole_generator([&](BertTaskModel& generator) {
    const auto names = generator->named_parameters();
    EXPECT_TRUE(names.contains("bert.token_embedding.weight"));
    EXPECT_EQ(names["bert.token_embedding.weight"].data_ptr(),
              pair->discriminator->bert->token_embedding->weight.data_ptr());
  });
  EXPECT_EQ(pair->parameters().size(), before);
}

TEST(ElectraTest, BothNetworksTrainTheSharedTable) {
  Electra pair(discriminator(), electra_generator(discriminator(), 0.25));
  const auto tokens = torch::tensor({{1, 2, 3}});
  const auto gradient = [&] {
    return pair->discriminator->bert->token_embedding->weight.grad().abs().sum().item<double>();
  };
  pair->generator->masked_lm_logits(pair->generator->bert->forward(tokens))
      .square()
      .sum()
      .backward();
  EXPECT_GT(gradient(), 0.0);
  pair->zero_grad();
  pair->discriminator->replaced_logits(pair->discriminator->bert->forward(tokens))
      .square()
      .sum()
      .backward();
  EXPECT_GT(gradient(), 0.0);
}

// Pairs in order: (0.9, 0.1), (0.9, 0.5), (0.5, 0.1), and (0.5, 0.5) half.
TEST(ElectraTest, AreaUnderTheCurveByHand) {
  const auto scores = torch::tensor({0.9, 0.5, 0.1, 0.5});
  const auto above = torch::tensor({true, true, false, false});
  EXPECT_DOUBLE_EQ(area_under_curve(scores, above), 3.5 / 4);
  EXPECT_DOUBLE_EQ(area_under_curve(scores, torch::zeros_like(above)), 0.5);
}

}  // namespace
}  // namespace zoo
