// Costs of the text models: each option that changes parameters or operations.
#include <functional>
#include <vector>

#include "models/cost/bert_cost.h"
#include "models/cost/gpt_cost.h"
#include "models/cost/transformer_cost.h"
#include "tests/models/cost/measured_cost.h"
#include "tests/models/parameters.h"

namespace zoo {
namespace {

using testing::counted_flops;
using testing::expect_cost;
using testing::parameter_count;
using testing::some_tokens;

GptOptions small_gpt() {
  GptOptions o;
  o.vocab_size = 13;
  o.context = 9;
  o.layers = 3;
  o.d_model = 12;
  o.heads = 4;
  o.attention = "matmul";
  return o;
}

TEST(GptCostTest, IsWhatTheModelHasAndComputes) {
  using Change = std::function<void(GptOptions&)>;
  const std::vector<Change> changes = {
      [](GptOptions&) {},
      [](GptOptions& o) { o.tie_embeddings = false; },
      [](GptOptions& o) { o.attention_bias = false; },
      [](GptOptions& o) { o.feed_forward_bias = false; },
      [](GptOptions& o) { o.norm_bias = false; },
      [](GptOptions& o) { o.norm_place = NormPlace::kPost; },
      [](GptOptions& o) { o.activation = Activation::kSwiglu, o.feed_forward = 20; },
      [](GptOptions& o) { o.position = PositionKind::kRotary, o.kv_heads = 2, o.head_width = 6; },
      [](GptOptions& o) { o.norm = NormKind::kRms; },
      [](GptOptions& o) { o.position = PositionKind::kSinusoidal; },
      [](GptOptions& o) { o.position = PositionKind::kAlibi; },
      [](GptOptions& o) { o.norm_place = NormPlace::kSandwich, o.qk_norm = true; },
      [](GptOptions& o) { o.parallel = ParallelBranches::kOneNorm; },
      [](GptOptions& o) { o.parallel = ParallelBranches::kTwoNorms, o.qk_norm = true; },
      [](GptOptions& o) { o.activation = Activation::kReglu, o.norm = NormKind::kRms; },
      [](GptOptions& o) { o.experts = 3, o.shared_experts = 1; },
      [](GptOptions& o) { o.experts = 3, o.expert_every = 2, o.pruned_heads = "0:1,3 1:0"; },
      [](GptOptions& o) { o.position = PositionKind::kBucketed, o.relative.buckets = 10; },
      [](GptOptions& o) { o.qkv_bias = false, o.layer_scale = 0.1; },
      [](GptOptions& o) { o.out_bias = false, o.scale_width = 7; },
      [](GptOptions& o) { o.experts = 3, o.dense_layers = "0,2"; },
      [](GptOptions& o) { o.experts = 3, o.expert_every = 2, o.dense_layers = "0,1"; },
      [](GptOptions& o) { o.experts = 3, o.dense_layers = "1", o.pruned_heads = "1:0 2:1"; },
      [](GptOptions& o) { o.norm_embeddings = true, o.logit_cap = 3.0; },
      [](GptOptions& o) { o.embedding_width = 5, o.position_offset = 2; },
      [](GptOptions& o) { o.embedding_width = 17, o.tie_embeddings = false, o.output_bias = true; },
      [](GptOptions& o) { o.output_bias = true; },
      [](GptOptions& o) { o.pruned_heads = "0:1,3 2:0"; },
      [](GptOptions& o) { o.kv_heads = 2, o.pruned_heads = "0:2,3 1:0,2"; },
      [](GptOptions& o) { o.position = PositionKind::kTransformerXl; },
      [](GptOptions& o) {
        o.position = PositionKind::kTransformerXl, o.kv_heads = 2, o.pruned_heads = "0:2,3";
      }};
  for (size_t n = 0; n < changes.size(); ++n) {
    SCOPED_TRACE(n);
    GptOptions o = small_gpt();
    changes[n](o);
    Gpt model(o);
    expect_cost(cost_of(o, 7), *model, [&] { model->forward(some_tokens(7)); });
  }
}

TEST(GptCostTest, TellsTheOutputLayerAndTheCacheApart) {
  GptOptions o = small_gpt();
  o.kv_heads = 2;
  o.tie_embeddings = false;
  Gpt model(o);
  const ModelCost cost = cost_of(o, 7);
  EXPECT_EQ(cost.output_parameters, static_cast<double>(model->lm_head->weight.numel()));
  EXPECT_EQ(cost.output_flops, 2.0 * 7 * 13 * 12);
  EXPECT_EQ(cost.embedding_parameters, (13.0 + 9.0) * 12);
  EXPECT_EQ(cost.cache_values_per_token, 3.0 * 2 * (2 * 3));  // keys and values of 2 heads, 3 wide
  EXPECT_EQ(training_flops(cost), 3 * cost.forward_flops);
  o.reversible = true;
  const ModelCost again = cost_of(o, 7);
  EXPECT_EQ(again.parameters, cost.parameters);
  EXPECT_EQ(again.forward_flops, cost.forward_flops);
  EXPECT_EQ(training_flops(again), 4 * cost.forward_flops - cost.output_flops);
}

TEST(GptCostTest, HugeSizesDoNotOverflow) {
  auto o = small_gpt();
  o.vocab_size = o.context = o.layers = o.d_model = 2147483647;
  o.heads = o.head_width = o.feed_forward = 2147483647;
  EXPECT_GT(cost_of(o, 1).parameters, 1e37);
  EXPECT_GT(cost_of(o, 1).forward_flops, 1e37);
}

TEST(GptCostTest, AgreesWithThePublishedSize) {
  auto o = GptOptions::gpt2();
  o.vocab_size = 50257;
  EXPECT_EQ(cost_of(o, 1024).parameters, 124'439'808);
}

BertOptions small_bert() {
  BertOptions o;
  o.vocab_size = 9;
  o.context = 12;
  o.layers = 3;
  o.d_model = 10;
  o.heads = 2;
  o.feed_forward = 14;
  o.attention = "matmul";
  return o;
}

TEST(BertCostTest, IsWhatTheEncoderHasAndComputes) {
  using Change = std::function<void(BertOptions&)>;
  const std::vector<Change> changes = {
      [](BertOptions&) {},
      [](BertOptions& o) { o.pooler = false; },
      [](BertOptions& o) { o.family = BertFamily::kRoberta, o.position_padding = 1; },
      [](BertOptions& o) { o.norm_place = NormPlace::kPre, o.norm = NormKind::kRms; },
      [](BertOptions& o) { o.position = PositionKind::kSinusoidal, o.kv_heads = 1; },
      [](BertOptions& o) { o.position = PositionKind::kBucketed; },
      [](BertOptions& o) { o.attention_bias = o.feed_forward_bias = o.norm_bias = false; },
      [](BertOptions& o) {
        o.family = BertFamily::kAlbert, o.embedding_width = 6, o.shared_blocks = 1;
      },
      [](BertOptions& o) { o.pruned_heads = "1:0"; },
      [](BertOptions& o) {
        o.family = BertFamily::kAlbert, o.embedding_width = 6, o.shared_blocks = 2;
        o.pruned_heads = "0:1";  // a block of two of the three layers
      }};
  for (size_t n = 0; n < changes.size(); ++n) {
    SCOPED_TRACE(n);
    BertOptions o = small_bert();
    changes[n](o);
    Bert model(o);
    expect_cost(cost_of(o, 11), *model, [&] {
      const auto hidden = model->forward(some_tokens(11));
      if (o.pooler) model->pool(hidden);
    });
  }
}

TEST(BertCostTest, CountsTheParametersOfEveryTasksHeads) {
  for (const auto& [family, family_name] : EnumNames<BertFamily>::values) {
    for (const auto& [task, task_name] : EnumNames<BertTask>::values) {
      for (const bool tied : {true, false}) {
        if (!has_task(family, task)) continue;
        BertTaskOptions o{.bert = small_bert(), .task = task, .labels = 3, .tie_embeddings = tied};
        o.bert.family = family;
        if (family == BertFamily::kRoberta) o.bert.position_padding = 1;
        if (family == BertFamily::kAlbert || family == BertFamily::kElectra)
          o.bert.embedding_width = 6;
        if (family == BertFamily::kDistilBert) o.bert.segments = 0;
        EXPECT_EQ(cost_of(o, 5).parameters, parameter_count(*BertTaskModel(o)))
            << family_name << " " << task_name << " tied: " << tied;
      }
    }
  }
}

TEST(TransformerCostTest, IsWhatTheModelHasAndComputes) {
  using Change = std::function<void(TransformerOptions&)>;
  const std::vector<Change> changes = {
      [](TransformerOptions&) {},
      [](TransformerOptions& o) { o.activation = Activation::kSwiglu; },
      [](TransformerOptions& o) { o.norm_place = NormPlace::kPre; },
      [](TransformerOptions& o) { o.tie_embeddings = false, o.output_bias = true; },
      [](TransformerOptions& o) { o.share_embeddings = false, o.source_vocab_size = 11; },
      [](TransformerOptions& o) { o.position = PositionKind::kLearned, o.position_offset = 2; },
      [](TransformerOptions& o) { o.norm_embeddings = true; },
      [](TransformerOptions& o) { o.norm_place = NormPlace::kSandwich, o.qk_norm = true; },
      [](TransformerOptions& o) { o.position = PositionKind::kBucketed, o.decoder_heads = 2; },
      [](TransformerOptions& o) { o.norm = NormKind::kRms, o.attention_bias = false; },
      [](TransformerOptions& o) { o.decoder_heads = 3, o.kv_heads = 1, o.head_width = 6; },
      [](TransformerOptions& o) {
        o.pruned_heads = "1:0,2", o.decoder_pruned_heads = "2:1", o.cross_pruned_heads = "0:0 2:0";
      }};
  for (size_t n = 0; n < changes.size(); ++n) {
    SCOPED_TRACE(n);
    TransformerOptions o;
    o.vocab_size = 17;
    o.context = 8;
    o.encoder_layers = 2;
    o.decoder_layers = 3;
    o.d_model = 12;
    o.heads = 3;
    o.decoder_heads = 2;
    o.feed_forward = 10;
    o.decoder_feed_forward = 14;
    o.attention = "matmul";
    changes[n](o);
    Transformer model(o);
    expect_cost(cost_of(o, 7), *model,
                [&] { model->forward(some_tokens(7), torch::tensor({7L}), some_tokens(7)); });
  }
}

TEST(RecurrentCostTest, IsWhatTheModelHasAndComputes) {
  for (const int64_t layers : {1, 2}) {
    RecurrentOptions o;
    o.vocab_size = 17;
    o.layers = layers;
    o.d_model = 10;
    o.tie_embeddings = layers == 1;
    o.share_embeddings = layers == 1;
    Recurrent model(o);
    // The encoder's LSTM is one operation to torch: four gates, two directions of 5, reading 10
    // + 5.
    const double encoder = 2.0 * 7 * 4 * 2 * 5 * (10 + 5) * static_cast<double>(layers);
    const auto pass = [&] {
      model->logits_of(model->hidden(some_tokens(7), torch::tensor({7L}), some_tokens(7)));
    };
    expect_cost(cost_of(o, 7), *model, pass, encoder);
  }
}

}  // namespace
}  // namespace zoo
