// What each family's heads look at, on models whose heads are set by hand.
#include "infer/analysis/attention_maps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "infer/analysis/attention_pictures.h"
#include "infer/analysis/head_patterns.h"
#include "tests/infer/analysis/by_hand.h"
#include "tests/infer/tiny_models.h"

namespace zoo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

LabelledTokens tokens_of(int64_t T) {
  LabelledTokens tokens;
  for (int64_t t = 0; t < T; ++t) {
    tokens.ids.push_back(t % 3);
    tokens.labels.push_back("t" + std::to_string(t));
  }
  return tokens;
}

/// One layer of heads that know nothing but places.
template <class Options>
Options places(int64_t T, int64_t heads) {
  Options o;
  o.vocab_size = 5;
  o.context = T;
  o.layers = 1;
  o.heads = heads;
  o.d_model = o.head_width = T;
  o.feed_forward = T;
  o.norm_place = NormPlace::kPost;
  o.position = PositionKind::kLearned;
  return o;
}

torch::Tensor table_of(torch::nn::Module& model, const std::string& name) {
  return model.named_parameters()[name];
}

TEST(AttentionMapsTest, HeadsOfADecoderByHand) {
  const int64_t T = 8;
  Gpt model(places<GptOptions>(T, 4));
  model->eval();
  torch::NoGradGuard no_grad;
  model->token_embedding->weight.zero_();
  testing::set_places(table_of(*model, "position.table.weight"));
  auto& block = *model->blocks->at<BlockImpl>(0).attention;
  testing::make_inert(model->blocks->at<BlockImpl>(0));
  testing::look_at(block, 0, torch::eye(T));
  testing::look_at(block, 1, testing::shifted(T, -2));
  auto first = torch::zeros({T, T});
  first.select(1, 0).fill_(1);
  testing::look_at(block, 2, first);
  auto sides = torch::zeros({T, T});
  sides.slice(0, 0, 4).slice(1, 0, 4).fill_(1);
  sides.slice(0, 4).slice(1, 4).fill_(1);
  testing::look_at(block, 3, sides);

  const AttentionMaps maps = attention_maps(*model, tokens_of(T));
  const AttentionMap& map = maps.at("self");
  EXPECT_THAT(map.queries, ElementsAre("t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7"));
  EXPECT_TRUE(map.may_attend.equal(torch::ones({T, T}, torch::kBool).tril()));
  ASSERT_EQ(map.layers.size(), 1U);
  const auto& w = map.layers[0];  // [H, T, T]
  EXPECT_EQ(w.triu(1).abs().max().item<float>(), 0);
  EXPECT_TRUE(w[0].allclose(torch::eye(T)));
  for (int64_t t = 2; t < T; ++t) EXPECT_NEAR(w[1][t][t - 2].item<float>(), 1, 1e-5) << t;
  EXPECT_TRUE(w[2].allclose(first));
  EXPECT_NEAR(w[3][5][4].item<float>(), 0.5, 1e-5);

  const auto rows = score_heads(map);
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(describe(rows[0].scores, map), "diagonal");
  EXPECT_EQ(describe(rows[1].scores, map), "offset -2");
  EXPECT_EQ(describe(rows[2].scores, map), "vertical, 't0'");
  EXPECT_EQ(describe(rows[3].scores, map), "block, cut at 't4'");
  for (const auto& row : rows) EXPECT_GT(row.scores.score(), 0.9) << row.head;
  EXPECT_NEAR(rows[0].scores.entropy, 0, 1e-5);
}

TEST(AttentionMapsTest, AKernelThatFormsNoWeightsLeavesThemToMatmul) {
  auto options = testing::tiny_options(PositionKind::kRotary, 2);
  auto model = testing::tiny_gpt(options);  // with kernel "torch"
  options.attention = "matmul";
  auto same = testing::tiny_gpt(options);
  const auto ours = attention_maps(*model, tokens_of(5)).at("self").layers,
             wanted = attention_maps(*same, tokens_of(5)).at("self").layers;
  ASSERT_EQ(wanted.size(), 2U);
  for (size_t n = 0; n < wanted.size(); ++n) EXPECT_TRUE(ours[n].allclose(wanted[n])) << n;
}

TEST(AttentionMapsTest, RefusesTokensOutsideTheVocabulary) {
  auto model = testing::tiny_gpt(testing::tiny_options());
  EXPECT_THAT(
      [&] {
        attention_maps(*model, {.ids = {1, 29}, .labels = {"a", "b"}});
      },
      ::testing::ThrowsMessage<c10::Error>(HasSubstr("token id 29")));
}

TEST(AttentionMapsTest, AnEncoderSeesTheFutureAndItsSegments) {
  const int64_t T = 6;
  Bert model(places<BertOptions>(T, 2));
  model->eval();
  torch::NoGradGuard no_grad;
  model->token_embedding->weight.zero_();
  testing::set_places(table_of(*model, "position.table.weight"));
  testing::make_inert(model->blocks->at<BlockImpl>(0));
  auto& attention = *model->blocks->at<BlockImpl>(0).attention;
  testing::look_at(attention, 0, testing::shifted(T, 1));
  testing::look_at(attention, 1, testing::shifted(T, -1));
  auto pair = tokens_of(T);
  pair.segments = {0, 0, 0, 1, 1, 1};
  model->segment_embedding->weight.zero_();
  const auto map = attention_maps(*model, pair).at("self");
  EXPECT_TRUE(map.may_attend.all().item<bool>());
  EXPECT_NEAR(map.layers[0][0][2][3].item<float>(), 1, 1e-4);
  EXPECT_EQ(describe(score_heads(map)[0].scores, map), "offset +1");
  EXPECT_EQ(describe(score_heads(map)[1].scores, map), "offset -1");
  // Another segment moves the vectors of the second text alone.
  model->segment_embedding->weight[1].fill_(0.5).slice(0, 0, 3).fill_(-5);
  EXPECT_FALSE(attention_maps(*model, pair).at("self").layers[0].allclose(map.layers[0], 1e-3));
}

TEST(AttentionMapsTest, AnEncoderDecoderHasThreeMapsWithTheRightTextOnEachAxis) {
  const int64_t S = 5, T = 4;
  auto o = places<TransformerOptions>(S, 1);
  o.encoder_layers = o.decoder_layers = 1;
  o.source_vocab_size = 6;
  o.share_embeddings = false;
  Transformer model(o);
  model->eval();
  torch::NoGradGuard no_grad;
  model->source_embedding->weight.zero_();
  model->target_embedding->weight.zero_();
  testing::set_places(table_of(*model, "source_position.table.weight"));
  testing::set_places(table_of(*model, "target_position.table.weight"));
  auto& reads = model->encoder->at<BlockImpl>(0);
  auto& writes = model->decoder->at<BlockImpl>(0);
  testing::make_inert(reads);
  testing::make_inert(writes);
  testing::look_at(*reads.attention, 0, testing::shifted(S, 1));
  testing::look_at(*writes.attention, 0, testing::shifted(S, -1));
  testing::look_at(*writes.cross_attention, 0, torch::eye(S).flip(1));  // t reads S - 1 - t

  const LabelledTokens source{.ids = {5, 1, 2, 3, 4}, .labels = {"a", "b", "c", "d", "e"}},
      target{.ids = {0, 1, 2, 3}, .labels = {"<s>", "x", "y", "z"}};
  const auto maps = attention_maps(*model, source, target);
  ASSERT_EQ(maps.maps.size(), 3U);
  const auto& cross = maps.at("cross");
  EXPECT_THAT(cross.queries, ElementsAre("<s>", "x", "y", "z"));
  EXPECT_THAT(cross.keys, ElementsAre("a", "b", "c", "d", "e"));
  EXPECT_EQ(cross.query_axis, "Query (target)");
  EXPECT_EQ(cross.key_axis, "Key (source)");
  EXPECT_EQ(cross.layers[0].sizes(), (std::vector<int64_t>{1, T, S}));
  for (int64_t t = 0; t < T; ++t)
    EXPECT_NEAR(cross.layers[0][0][t][S - 1 - t].item<float>(), 1, 1e-4) << t;
  EXPECT_NEAR(maps.at("encoder").layers[0][0][1][2].item<float>(), 1, 1e-4);
  EXPECT_NEAR(maps.at("decoder").layers[0][0][3][2].item<float>(), 1, 1e-4);
  EXPECT_TRUE(maps.at("encoder").may_attend.all().item<bool>());
  EXPECT_FALSE(maps.at("decoder").may_attend[0][1].item<bool>());
  EXPECT_THROW(maps.at("self"), std::out_of_range);
}

VitOptions two_by_two() {
  VitOptions o;
  o.image_size = 4;
  o.patch_size = 2;
  o.layers = o.heads = 1;
  o.d_model = o.head_width = o.feed_forward = 5;
  o.norm_place = NormPlace::kPost;
  return o;
}

TEST(AttentionMapsTest, PatchesOfAnImageAndWhereItsAnswerComesFrom) {
  Vit model(two_by_two());
  model->eval();
  torch::NoGradGuard no_grad;
  for (auto& parameter : model->patch_embedding->parameters()) parameter.zero_();
  model->class_token.zero_();
  testing::set_places(table_of(*model, "position.table.weight"));
  testing::make_inert(model->blocks->at<BlockImpl>(0));
  auto looks = torch::zeros({5, 5});
  looks.select(1, 3).fill_(1);  // all tokens look at the patch of row 1, column 0
  testing::look_at(*model->blocks->at<BlockImpl>(0).attention, 0, looks);
  const auto map = attention_maps(*model, torch::rand({1, 1, 4, 4})).at("self");
  EXPECT_THAT(map.keys, ElementsAre("CLS", "0,0", "0,1", "1,0", "1,1"));
  EXPECT_EQ(map.grid, (Grid{2, 2}));
  EXPECT_NEAR(map.layers[0][0][0][3].item<float>(), 1, 1e-4);
  const auto shares = rollout_shares(map);              // [2, 2]
  EXPECT_NEAR(shares[1][0].item<double>(), 0.5, 1e-4);  // half stays with the class token itself
  EXPECT_NEAR(shares[0][1].item<double>(), 0, 1e-4);
}

TEST(AttentionMapsTest, AClipHasAMapOfEachTower) {
  ClipOptions o = ClipOptions::tiny();
  o.image.layers = 2;
  o.text.layers = 1;
  o.text.vocab_size = 9;
  Clip model(o);
  model->eval();
  const auto pixels = torch::rand({1, o.image.channels, o.image.image_size, o.image.image_size});
  const LabelledTokens text{.ids = {1, 2, 8}, .labels = {"a", "b", "end"}};
  const auto both = attention_maps(*model, pixels, text);
  ASSERT_EQ(both.maps.size(), 2U);
  EXPECT_EQ(both.at("image").layers.size(), 2U);
  EXPECT_EQ(both.at("text").layers.size(), 1U);
  EXPECT_TRUE(both.at("image").may_attend.all().item<bool>());
  EXPECT_FALSE(both.at("text").may_attend[0][1].item<bool>());
  for (const auto& map : both.maps)
    EXPECT_TRUE(map.layers[0].sum(-1).allclose(torch::ones({1}), 1e-4, 1e-4)) << map.name;
  EXPECT_EQ(attention_maps(*model, {}, text).maps.size(), 1U);
}

}  // namespace
}  // namespace zoo
