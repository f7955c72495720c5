// Checkpoint folders of the BERT families that `transformers` wrote (tests/golden/bert.py): our
// outputs are its own, and what we write has its names, shapes and keys.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "models/pretrained/bert/bert_checkpoint.h"
#include "models/pretrained/format/safetensors.h"
#include "tests/models/bert/tiny_berts.h"
#include "tests/models/pretrained/safetensors_bytes.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/too_large.h"

namespace zoo {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;
using testing::too_large;

const fs::path kGoldenBerts = "tests/golden/bert";

json config_in(const fs::path& folder) {
  std::ifstream in(folder / "config.json");
  return json::parse(in);
}

class GoldenBertTest : public ::testing::TestWithParam<const char*> {
 protected:
  fs::path folder = kGoldenBerts / GetParam();
  torch::NoGradGuard no_grad;
};

TEST_P(GoldenBertTest, ComputesWhatTransformersDoes) {
  const SafetensorsReader io(folder / "io.safetensors");
  const auto mask = io.tensor("attention_mask").to(torch::kBool);  // [B, S]
  for (const std::string kernel : {"matmul", "flash"}) {
    auto model = load_bert(folder, {.attention = kernel});
    BertContext context{.args = {.may_attend = mask.unsqueeze(1).unsqueeze(1)}};
    if (io.contains("token_type_ids")) context.segments = io.tensor("token_type_ids");
    const auto hidden = model->bert->forward(io.tensor("input_ids"), context);
    const auto expect_close = [&](const std::string& name, const torch::Tensor& ours) {
      auto a = ours, e = io.tensor(name);
      ASSERT_EQ(a.sizes(), e.sizes()) << name;
      if (e.dim() > 1 && e.size(1) == mask.size(1)) a = a.index({mask}), e = e.index({mask});
      EXPECT_TRUE(torch::allclose(a, e, 1e-4, 1e-5))
          << name << ", kernel " << kernel << ": largest error "
          << (a - e).abs().max().item<float>();
    };
    expect_close("last_hidden_state", hidden);
    const bool pre_trains = model->options.task == BertTask::kPreTraining;
    if (io.contains("pooler_output")) expect_close("pooler_output", model->bert->pool(hidden));
    if (model->masked_lm)
      expect_close(pre_trains ? "prediction_logits" : "logits", model->masked_lm_logits(hidden));
    if (model->pair) {
      const bool bert = io.contains("seq_relationship_logits");
      expect_close(bert ? "seq_relationship_logits" : "sop_logits", model->pair_logits(hidden));
    }
    if (model->classifier) expect_close("logits", model->class_logits(hidden));
    if (model->replaced) expect_close("logits", model->replaced_logits(hidden));
  }
}

TEST_P(GoldenBertTest, SavesTheNamesShapesValuesAndKeysThatItRead) {
  testing::TemporaryFolder saved;
  const BertConfig config = read_bert_config(folder);
  save_bert(load_bert(folder), saved.path(), config.ids, config.labels);

  const SafetensorsReader ours(saved.path()), theirs(folder);
  size_t same = 0;
  for (auto name : theirs.names()) {
    const auto wanted = theirs.tensor(name);
    if (name == "embeddings.position_ids" || name == "cls.seq_relationship.bias") {
      if (!ours.contains(name)) continue;  // of old files
    }
    for (const auto& [old, today] : {std::pair("gamma", "weight"), std::pair("beta", "bias")}) {
      if (name.ends_with(old)) name.replace(name.rfind(old), std::string(old).size(), today);
    }
    ASSERT_TRUE(ours.contains(name)) << name;
    EXPECT_TRUE(torch::equal(ours.tensor(name), wanted)) << name;
    ++same;
  }
  EXPECT_EQ(same, ours.names().size());
  const json before = config_in(folder), after = config_in(saved.path());
  for (const auto& [key, value] : after.items()) {
    if (key == "zoo" || !before.contains(key)) continue;
    EXPECT_EQ(value, before[key]) << key;
  }
  EXPECT_EQ(after.contains("id2label"), before.contains("id2label"));
  EXPECT_EQ(read_bert_config(saved.path()).labels, config.labels);
}

INSTANTIATE_TEST_SUITE_P(Folders, GoldenBertTest,
                         ::testing::Values("BertModel", "BertForPreTraining",
                                           "BertForSequenceClassification", "RobertaForMaskedLM",
                                           "RobertaForSequenceClassification",
                                           "AlbertForPreTraining", "ElectraForPreTraining",
                                           "ElectraForMaskedLM", "DistilBertForMaskedLM",
                                           "DistilBertForSequenceClassification"),
                         [](const auto& info) { return std::string(info.param); });

class BertCheckpointTest : public ::testing::Test {
 protected:
  static BertTaskModel model_of(size_t family, BertTask task, int64_t seed = 5) {
    torch::manual_seed(static_cast<uint64_t>(seed));
    BertTaskModel model(
        BertTaskOptions{.bert = testing::tiny_berts()[family].options, .task = task, .labels = 3});
    for (auto& parameter : model->parameters()) parameter.detach().normal_(0.0, 0.3);
    model->eval();
    return model;
  }
  std::string refusal() {
    try {
      load_bert(folder.path());
    } catch (const std::exception& error) {
      EXPECT_THAT(error.what(), ::testing::Not(HasSubstr("\n")));
      return error.what();
    }
    return "";
  }
  void write_config(const json& config) {
    testing::write_bytes(folder / "config.json", config.dump());
  }
  testing::TemporaryFolder folder;
  torch::NoGradGuard no_grad;
};

TEST_F(BertCheckpointTest, EveryFamilyAndTaskReturnsFromItsFolder) {
  for (size_t family = 0; family < 5; ++family) {
    for (const auto& [task, name] : EnumNames<BertTask>::values) {
      if (!has_task(testing::tiny_berts()[family].options.family, task)) continue;
      auto model = model_of(family, task);
      save_bert(model, folder.path());
      auto loaded = load_bert(folder.path());
      const auto wanted = model->named_parameters();
      ASSERT_EQ(loaded->named_parameters().size(), wanted.size()) << family << " " << name;
      for (const auto& p : loaded->named_parameters())
        EXPECT_TRUE(torch::equal(p.value(), wanted[p.key()])) << family << " " << name << p.key();
      EXPECT_EQ(loaded->options.bert.attention, model->options.bert.attention);
      EXPECT_EQ(loaded->options.task, task);
    }
  }
}

TEST_F(BertCheckpointTest, AnEncoderMayComeWithoutAPooler) {
  auto options = testing::tiny_bert();
  options.pooler = false;
  save_bert(BertTaskModel(BertTaskOptions{.bert = options, .task = BertTask::kNone}),
            folder.path());
  EXPECT_FALSE(load_bert(folder.path())->options.bert.pooler);
}

TEST_F(BertCheckpointTest, FineTuningTakesTheEncoderAndLeavesTheHeads) {
  const auto pre_trained = model_of(0, BertTask::kMaskedLm);
  save_bert(pre_trained, folder.path());
  auto classifier = model_of(0, BertTask::kClassifyText, 6);
  const auto head = classifier->classifier->out_proj->weight.clone();
  load_bert_weights(classifier, folder.path());
  EXPECT_TRUE(torch::equal(classifier->classifier->out_proj->weight, head));
  const auto wanted = pre_trained->bert->named_parameters();
  for (const auto& p : wanted)
    EXPECT_TRUE(torch::equal(classifier->bert->named_parameters()[p.key()], p.value())) << p.key();
  auto roberta = model_of(1, BertTask::kMaskedLm);
  EXPECT_THAT([&] { load_bert_weights(roberta, folder.path()); },
              ::testing::ThrowsMessage<std::runtime_error>(
                  HasSubstr("a bert, but the model is a roberta")));
}

TEST_F(BertCheckpointTest, RefusesWhatItCannotCompute) {
  save_bert(model_of(0, BertTask::kClassifyText), folder.path());
  const auto saved = config_in(folder.path());
  const auto with = [&](const std::string& key, const json& value) {
    auto config = saved;
    config.erase("zoo");
    config[key] = value;
    write_config(config);
    return refusal();
  };
  EXPECT_EQ(with("use_cache", true), "");
  EXPECT_THAT(with("model_type", "gpt2"), HasSubstr("this program reads bert, roberta, albert"));
  EXPECT_THAT(with("architectures", {"BertForQuestionAnswering"}),
              HasSubstr("of model_type bert the zoo has BertModel, BertForMaskedLM"));
  EXPECT_THAT(with("hidden_act", "mish"), HasSubstr("hidden_act \"mish\" is not supported"));
  EXPECT_THAT(with("is_decoder", true), HasSubstr("\"is_decoder\" is true"));
  EXPECT_THAT(with("position_embedding_type", "relative_key"),
              HasSubstr("\"position_embedding_type\" is \"relative_key\""));
  EXPECT_EQ(with("tie_word_embeddings", false), "") << "this class predicts no words";
  EXPECT_THAT(with("hidden_size", nullptr), HasSubstr("\"hidden_size\" is null"));
  EXPECT_THAT(with("num_attention_heads", 4), HasSubstr("d-model must be a multiple of heads"));
  EXPECT_THAT(with("hidden_size", 2000000000), HasSubstr("must be a multiple of heads"));
  EXPECT_THAT(with("vocab_size", 2000000000), too_large());
  EXPECT_THAT(with("num_hidden_layers", 2000000000), too_large());
  EXPECT_THAT(with("num_hidden_layers", 1),
              HasSubstr("\"bert.encoder.layer.1.attention.output.LayerNorm.bias\" [15] has no"));
  EXPECT_THAT(with("id2label", {{"0", "a"}, {"2", "b"}}), HasSubstr("2 labels but no id 1"));
  EXPECT_THAT(with("id2label", {{"0", "a"}}), HasSubstr("\"classifier.weight\" has shape [3, 15]"));
  EXPECT_THAT(with("hidden_dropout_prob", 2), HasSubstr("dropout must be in [0, 1), got 2"));
  EXPECT_THAT(with("classifier_dropout", -1),
              HasSubstr("\"classifier_dropout\" must be in [0, 1)"));
  auto config = saved;
  config["hidden_act"] = "relu";
  write_config(config);
  EXPECT_THAT(refusal(), HasSubstr("\"hidden_act\" is \"relu\", but \"zoo\" makes it \"gelu\""));
}

TEST_F(BertCheckpointTest, HostileConfigsAreReadOrRefusedInOneLine) {
  const json values[] = {0,     -1, 1,   3,      2147483647,    4294967296,     1.5,
                         true,  "", "x", json(), json::array(), json::object(), {{"0", 1}},
                         {1, 2}};
  std::mt19937 random(7);
  int read = 0, refused = 0;
  for (size_t family = 0; family < 4; ++family) {
    save_bert(model_of(family, BertTask::kClassifyText), folder.path());
    const auto saved = config_in(folder.path());
    for (int round = 0; round < 150; ++round) {
      auto config = saved;
      if (round % 2 == 0) config.erase("zoo");
      auto& part = round % 4 == 1 ? config["zoo"] : config;
      auto key = part.begin();
      std::advance(key, random() % part.size());
      *key = values[random() % std::size(values)];
      write_config(config);
      ++(refusal().empty() ? read : refused);  // refusal() checks that it is one line
    }
  }
  EXPECT_GT(read, 20);
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace zoo
