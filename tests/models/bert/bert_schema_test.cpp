// What a BERT consists of: names and sizes of its parameters, the presets, options that do not fit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/bert/bert_task.h"
#include "tests/models/bert/tiny_berts.h"
#include "tests/models/parameters.h"
#include "tests/support/gradient_check.h"
#include "tests/support/refusal.h"

namespace zoo {
namespace {

using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using testing::parameter_count;
using testing::parameter_lines;

// The names below are the schema of checkpoints and of optimizer states: renaming one breaks files.
TEST(BertSchemaTest, ParametersOfAlbertsShape) {
  const Bert albert(testing::tiny_berts()[2].options);
  EXPECT_THAT(parameter_lines(*albert),
              ElementsAreArray({"token_embedding.weight 17 7",
                                "position.table.weight 12 7",
                                "segment_embedding.weight 2 7",
                                "embedding_norm.weight 7",
                                "embedding_norm.bias 7",
                                "embedding_proj.weight 15 7",
                                "embedding_proj.bias 15",
                                "blocks.0.attention_norm.weight 15",
                                "blocks.0.attention_norm.bias 15",
                                "blocks.0.attention.in_proj.weight 45 15",
                                "blocks.0.attention.in_proj.bias 45",
                                "blocks.0.attention.out_proj.weight 15 15",
                                "blocks.0.attention.out_proj.bias 15",
                                "blocks.0.feed_forward_norm.weight 15",
                                "blocks.0.feed_forward_norm.bias 15",
                                "blocks.0.feed_forward.in_proj.weight 20 15",
                                "blocks.0.feed_forward.in_proj.bias 20",
                                "blocks.0.feed_forward.out_proj.weight 15 20",
                                "blocks.0.feed_forward.out_proj.bias 15",
                                "pooler.weight 15 15",
                                "pooler.bias 15"}));
}

TEST(BertSchemaTest, HeadsOfEveryTask) {
  const auto heads = [](size_t family, BertTask task) {
    auto options = testing::tiny_berts()[family].options;
    const BertTaskModel model(BertTaskOptions{.bert = options, .task = task, .labels = 3});
    std::vector<std::string> lines;
    for (const auto& line : parameter_lines(*model))
      if (!line.starts_with("bert.")) lines.push_back(line);
    return lines;
  };
  EXPECT_THAT(heads(0, BertTask::kNone), ::testing::IsEmpty());
  EXPECT_THAT(heads(2, BertTask::kPreTraining),
              ElementsAreArray({"masked_lm.bias 17", "masked_lm.dense.weight 7 15",
                                "masked_lm.dense.bias 7", "masked_lm.norm.weight 7",
                                "masked_lm.norm.bias 7", "pair.out_proj.weight 2 15",
                                "pair.out_proj.bias 2"}));
  EXPECT_THAT(heads(1, BertTask::kClassifyText),
              ElementsAreArray({"classifier.dense.weight 15 15", "classifier.dense.bias 15",
                                "classifier.out_proj.weight 3 15", "classifier.out_proj.bias 3"}));
  EXPECT_THAT(heads(0, BertTask::kClassifyTokens),
              ElementsAreArray({"classifier.out_proj.weight 3 15", "classifier.out_proj.bias 3"}));
  EXPECT_THAT(heads(3, BertTask::kPreTraining),
              ElementsAreArray({"replaced.dense.weight 15 15", "replaced.dense.bias 15",
                                "replaced.out_proj.weight 1 15", "replaced.out_proj.bias 1"}));
  EXPECT_THAT(testing::torch_error_of([&] { heads(1, BertTask::kPreTraining); }),
              HasSubstr("family roberta has no head for task pre-training"));
}

/// Number of parameters by the papers' sizes, without building the model.
int64_t count_by_formula(const BertOptions& o) {
  const int64_t C = o.d_model, E = o.embedding_width > 0 ? o.embedding_width : C;
  const int64_t F = o.feed_forward > 0 ? o.feed_forward : 4 * C;
  const int64_t blocks = o.shared_blocks > 0 ? o.shared_blocks : o.layers;
  const int64_t places =
      o.position == PositionKind::kLearned ? o.context + o.position_padding + 1 : 0;
  const int64_t buckets = o.position == PositionKind::kBucketed ? o.relative.buckets * o.heads : 0;
  const int64_t tables = (o.vocab_size + places + o.segments) * E;
  const bool by_distance = o.position == PositionKind::kTransformerXl;
  const int64_t distances = by_distance ? blocks * C * C + 2 * C : 0;
  const int64_t last_norm = o.norm_place == NormPlace::kPost ? 0 : 2 * C;
  return tables + buckets + distances + last_norm + 2 * E +
         (o.embedding_width > 0 ? E * C + C : 0) +
         blocks * (4 * C * C + 4 * C + 2 * F * C + F + C + 4 * C) + (o.pooler ? C * C + C : 0);
}

TEST(BertSchemaTest, TheFormulaCountsWhatModelsHave) {
  for (const auto& [name, options] : testing::tiny_berts())
    EXPECT_EQ(parameter_count(*Bert(options)), count_by_formula(options)) << name;
}

TEST(BertSchemaTest, SharedLayersCountOnce) {
  auto options = testing::tiny_berts()[2].options;
  const auto two = parameter_count(*Bert(options));
  options.layers = 7;
  EXPECT_EQ(parameter_count(*Bert(options)), two);
}

TEST(BertPresetTest, PublishedSizesHaveThePublishedNumberOfParameters) {
  EXPECT_EQ(count_by_formula(BertOptions::tiny()), 4'385'920);
  EXPECT_EQ(count_by_formula(BertOptions::mini()), 11'170'560);
  EXPECT_EQ(count_by_formula(BertOptions::small()), 28'763'648);
  EXPECT_EQ(count_by_formula(BertOptions::medium()), 41'373'184);
  EXPECT_EQ(count_by_formula(BertOptions::base()), 109'482'240);
  EXPECT_EQ(count_by_formula(BertOptions::large()), 335'141'888);
  EXPECT_EQ(count_by_formula(BertOptions::roberta_base()), 124'645'632);
  EXPECT_EQ(count_by_formula(BertOptions::albert_base()), 11'683'584);
  EXPECT_EQ(count_by_formula(BertOptions::electra_small()), 13'483'008);
  EXPECT_EQ(count_by_formula(BertOptions::distilbert_base()), 66'362'880);
  EXPECT_EQ(count_by_formula(BertOptions::minilm_l6()), 22'713'216);
}

TEST(BertPresetTest, AreFoundByNameAndPassTheirOwnCheck) {
  for (const char* name :
       {"tiny", "mini", "small", "medium", "base", "large", "roberta-base", "albert-base",
        "electra-small", "electra-small-generator", "distilbert-base", "minilm-l6"})
    EXPECT_NO_THROW(check(BertOptions::preset(name))) << name;
  EXPECT_THAT([] { BertOptions::preset("huge"); },
              ::testing::ThrowsMessage<std::invalid_argument>(
                  HasSubstr("unknown preset 'huge'; known are: tiny, mini, ")));
}

TEST(BertOptionsTest, AreCheckedBeforeAVocabularyIsKnown) {
  const auto refused = [](auto change) { return testing::refusal(testing::tiny_bert(), change); };
  EXPECT_EQ(refused([](auto&) {}), "");
  EXPECT_EQ(refused([](auto& o) { o.layers = 0; }), "layers must be 1 or more, got 0");
  EXPECT_EQ(refused([](auto& o) { o.heads = 4; }),
            "d-model must be a multiple of heads, got 15 and 4; change one, or name head-width");
  EXPECT_EQ(refused([](auto& o) { o.dropout = 1.0; }), "dropout must be in [0, 1), got 1");
  EXPECT_EQ(refused([](auto& o) { o.activation = Activation::kSwiglu; }),
            "activation must be any but swiglu, got swiglu");
  EXPECT_EQ(refused([](auto& o) { o.embedding_width = 8; }),
            "embedding-width must be 0 with family bert, got 8");
  EXPECT_EQ(refused([](auto& o) { o.family = BertFamily::kAlbert; }),
            "embedding-width must be 1 or more with family albert, got 0");
  EXPECT_EQ(refused([](auto& o) { o.family = BertFamily::kRoberta; }),
            "position-padding must be 0 or more with family roberta, got -1");
  EXPECT_EQ(refused([](auto& o) { o.shared_blocks = 1; }),
            "shared-blocks must be 0 with family bert, got 1");
  const auto refused_albert = [](auto change) {
    BertOptions albert = BertOptions::albert_base();
    return testing::refusal(albert, change);
  };
  EXPECT_EQ(refused_albert([](auto& o) { o.drop_path = 0.5; }),
            "drop-path must be 0 with shared-blocks, got 0.5");
  EXPECT_EQ(refused_albert([](auto& o) { o.scale_by_layer = true; }),
            "scale-by-layer must be off with shared-blocks, got true");
  EXPECT_EQ(refused([](auto& o) { o.shared_blocks = 3; }),
            "shared-blocks must be from 0 to layers, got 3");
}

}  // namespace
}  // namespace zoo
