// Checkpoint folders that `transformers` wrote: our logits, hidden states and attention weights are
// its own (tests/golden/gpt2_llama.py, decoder_families.py), and what we write has its names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "models/pretrained/format/checkpoint_folder.h"
#include "models/pretrained/gpt/gpt_checkpoint.h"
#include "tests/models/pretrained/gpt_folder.h"
#include "tests/models/pretrained/safetensors_bytes.h"
#include "tests/support/temporary_folder.h"

namespace zoo {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

const fs::path kGoldenGpts = "tests/golden";

GptContext context_of(const SafetensorsReader& io) {
  const auto mask = io.tensor("attention_mask").to(torch::kBool);   // [B, S]
  return {.args = {.may_attend = mask.unsqueeze(1).unsqueeze(1)}};  // [B, 1, 1, S]
}

/// The places of row b that are real, so that padding's unspecified values take no part.
void expect_close_where_real(const torch::Tensor& ours, const torch::Tensor& expected,
                             const torch::Tensor& mask, const std::string& what) {
  ASSERT_EQ(ours.sizes(), expected.sizes()) << what;
  for (int64_t b = 0; b < mask.size(0); ++b) {
    const int64_t real = mask[b].sum().item<int64_t>();
    const int64_t dimension = expected.dim() == 4 ? 1 : 0;  // attentions are [B, H, T, S]
    const auto a = ours[b].narrow(dimension, 0, real), e = expected[b].narrow(dimension, 0, real);
    EXPECT_TRUE(torch::allclose(a, e, 1e-4, 1e-5))
        << what << ", row " << b << ": largest error " << (a - e).abs().max().item<float>();
  }
}

class GoldenGptTest : public ::testing::TestWithParam<const char*> {
 protected:
  fs::path folder = kGoldenGpts / GetParam();
  torch::NoGradGuard no_grad;
};

TEST_P(GoldenGptTest, ComputesWhatTransformersDoes) {
  const SafetensorsReader io(folder / "io.safetensors");
  const auto ids = io.tensor("input_ids"), mask = io.tensor("attention_mask");
  for (const std::string kernel : {"matmul", "torch"}) {
    Gpt model = load_gpt(folder, {.attention = kernel});
    const auto hidden = model->hidden(ids, context_of(io));
    expect_close_where_real(model->output_states(hidden), io.tensor("last_hidden_state"), mask,
                            kernel + " last hidden");
    expect_close_where_real(model->logits_of(hidden), io.tensor("logits"), mask,
                            kernel + " logits");
  }
}

TEST_P(GoldenGptTest, TracesHiddenStatesAndAttentions) {
  Gpt model = load_gpt(folder, {.attention = "matmul"});
  const SafetensorsReader io(folder / "io.safetensors");
  Trace trace{.hidden_states = true, .attentions = true, .tensors = {}};
  auto context = context_of(io);
  context.trace = &trace;

  model->forward(io.tensor("input_ids"), context);

  auto& last = trace.tensors["hidden_states.2"];
  last = model->output_states(last);
  size_t compared = 0;
  for (const auto& name : io.names()) {
    if (!name.starts_with("hidden_states.") && !name.starts_with("attentions.")) continue;
    ASSERT_TRUE(trace.tensors.contains(name)) << name;
    expect_close_where_real(trace.tensors[name], io.tensor(name), io.tensor("attention_mask"),
                            name);
    ++compared;
  }
  EXPECT_EQ(compared, trace.tensors.size());
  EXPECT_EQ(compared, 5u);
}

TEST_P(GoldenGptTest, SavesTheNamesShapesAndValuesThatItRead) {
  testing::TemporaryFolder saved;

  save_gpt(load_gpt(folder), saved.path(), read_gpt_config(folder).ids);

  const SafetensorsReader ours(saved.path()), theirs(folder);
  size_t same = 0;
  for (const auto& name : theirs.names()) {
    // Files of the first days have no prefix, and the causal masks among the weights.
    const auto full = ours.contains(name) ? name : "transformer." + name;
    if (name.ends_with(".attn.bias")) continue;
    ASSERT_TRUE(ours.contains(full)) << name;
    // Of Gemma's norms 1 is added and taken away.
    const bool rounded = std::string_view(GetParam()) == "gemma2" && name.find("norm") != name.npos;
    EXPECT_TRUE(rounded ? torch::allclose(ours.tensor(full), theirs.tensor(name), 0, 1e-6)
                        : torch::equal(ours.tensor(full), theirs.tensor(name)))
        << name;
    ++same;
  }
  EXPECT_EQ(same, ours.names().size());
}

TEST_P(GoldenGptTest, ConfigSaysTheSameAfterASave) {
  testing::TemporaryFolder saved;
  save_gpt(load_gpt(folder), saved.path(), read_gpt_config(folder).ids);
  const auto parse = [](const fs::path& path) {
    std::ifstream in(path / "config.json");
    return nlohmann::json::parse(in);
  };
  const auto before = parse(folder), after = parse(saved.path());
  for (const auto& [key, value] : after.items()) {
    if (!before.contains(key) || before[key].is_null() || key == "dtype") continue;
    EXPECT_EQ(value, before[key]) << key;
  }
  EXPECT_EQ(read_gpt_config(saved.path()).ids.eos, read_gpt_config(folder).ids.eos);
}

TEST_P(GoldenGptTest, LoadsInTheAskedDtype) {
  EXPECT_EQ(load_gpt(folder)->token_embedding->weight.scalar_type(), torch::kFloat);
  EXPECT_EQ(load_gpt(folder, {.dtype = torch::kBFloat16})->token_embedding->weight.scalar_type(),
            torch::kBFloat16);
}

INSTANTIATE_TEST_SUITE_P(Folders, GoldenGptTest,
                         ::testing::Values("gpt2", "gpt2_sharded", "gpt2_old_names", "llama",
                                           "llama_tied_bias", "llama_linear_rope",
                                           "llama_llama3_rope", "mistral", "qwen2", "qwen3", "phi",
                                           "gpt_neox", "opt", "opt_350m", "bloom", "mixtral",
                                           "qwen3_moe", "gemma2"),
                         [](const auto& info) { return std::string(info.param); });

class GptCheckpointTest : public testing::GptFolderTest {};

TEST_F(GptCheckpointTest, MissingBiasesAreZerosInGpt2sLayout) {
  auto options = small();
  options.attention_bias = options.feed_forward_bias = options.norm_bias = false;

  expect_round_trip(options);

  EXPECT_EQ(config()["model_type"], "gpt2");
  const SafetensorsReader reader(folder.path());
  EXPECT_EQ(reader.entry("transformer.h.1.attn.c_attn.bias").shape, std::vector<int64_t>{36});
  EXPECT_EQ(reader.entry("transformer.h.1.mlp.c_fc.bias").shape, std::vector<int64_t>{48});
  EXPECT_EQ(reader.names().size(), 2u * 12 + 4);
}

TEST_F(GptCheckpointTest, BiasesThatSomebodyTrainedMeanwhileAreNotDropped) {
  auto options = small();
  options.attention_bias = false;
  save_gpt(Gpt(options), folder.path());
  const SafetensorsReader reader(folder.path());
  std::map<std::string, torch::Tensor> tensors;
  for (const auto& name : reader.names()) tensors[name] = reader.tensor(name).clone();
  tensors["transformer.h.0.attn.c_proj.bias"].fill_(0.1);
  write_safetensors(folder / "model.safetensors", tensors);
  EXPECT_THAT(refusal(), HasSubstr("\"transformer.h.0.attn.c_proj.bias\" is not zero"));
}

TEST_F(GptCheckpointTest, EveryLayoutBringsAllOptionsBack) {
  auto gpt2 = small();
  gpt2.activation = Activation::kRelu;
  gpt2.tie_embeddings = false;
  gpt2.residual_dropout = 0.3;
  gpt2.scale_by_layer = true;
  gpt2.attention = "matmul";
  expect_round_trip(gpt2);
  EXPECT_EQ(config()["model_type"], "gpt2");

  auto llama = small();
  llama.position = PositionKind::kRotary;
  llama.rotary = {
      .base = 700, .scaling = RotaryScaling::kLlama3, .factor = 4, .original_context = 4};
  llama.norm = NormKind::kRms;
  llama.activation = Activation::kSwiglu;
  llama.kv_heads = 1;
  llama.head_width = 8;
  llama.attention_bias = false;
  llama.embedding_dropout = 0.2;
  expect_round_trip(llama);
  EXPECT_EQ(config()["model_type"], "llama");
  EXPECT_EQ(config()["mlp_bias"], true);

  auto neither = llama;
  neither.position = PositionKind::kSinusoidal;
  neither.scale_embeddings = true;
  expect_round_trip(neither);
  EXPECT_EQ(config()["model_type"], "zoo_gpt");
  EXPECT_TRUE(SafetensorsReader(folder.path()).contains("blocks.0.attention.in_proj.weight"));

  auto post = small();
  post.norm_place = NormPlace::kPost;
  expect_round_trip(post);
  EXPECT_EQ(config()["model_type"], "zoo_gpt");
}

TEST_F(GptCheckpointTest, WritesIdsOrNull) {
  save_gpt(Gpt(small()), folder.path(), {.bos = 1, .eos = {2, 3}, .pad = {}});
  EXPECT_EQ(config()["bos_token_id"], 1);
  EXPECT_EQ(config()["eos_token_id"], (std::vector<int>{2, 3}));
  EXPECT_TRUE(config()["pad_token_id"].is_null());
  const auto ids = read_gpt_config(folder.path()).ids;
  EXPECT_EQ(ids.bos, 1);
  EXPECT_EQ(ids.eos, (std::vector<int64_t>{2, 3}));
  EXPECT_FALSE(ids.pad.has_value());
}

TEST_F(GptCheckpointTest, ACheckpointWithoutOutputLayerIsForThoseWhoNeedNone) {
  auto options = small();
  options.tie_embeddings = false;
  save_gpt(Gpt(options), folder.path());
  const SafetensorsReader reader(folder.path());
  std::map<std::string, torch::Tensor> tensors;
  for (const auto& name : reader.names()) tensors[name] = reader.tensor(name).clone();
  tensors.erase("lm_head.weight");
  write_safetensors(folder / "model.safetensors", tensors);
  EXPECT_THAT(refusal(), HasSubstr("has no tensor \"lm_head.weight\" [11, 12]"));
  auto json = config();
  json["architectures"] = {"GPT2Model"};
  write_config(json);
  EXPECT_THAT(refusal(), HasSubstr("a checkpoint without an output layer"));
  Gpt standing(options);
  EXPECT_THAT([&] { load_gpt_weights(standing, folder.path()); },
              ::testing::ThrowsMessage<std::runtime_error>(HasSubstr("cannot predict tokens")));
  EXPECT_NO_THROW(load_gpt(folder.path(), {.head_optional = true}));
  EXPECT_FALSE(read_gpt_config(folder.path()).has_head);
}

TEST_F(GptCheckpointTest, ATiedHeadlessCheckpointPredictsAllTheSame) {
  save_gpt(Gpt(small()), folder.path());
  const auto ids = torch::arange(8).unsqueeze(0);
  const auto wanted = load_gpt(folder.path())->forward(ids);
  auto json = config();
  json["architectures"] = {"GPT2Model"};
  write_config(json);
  EXPECT_TRUE(torch::equal(load_gpt(folder.path())->forward(ids), wanted));
}

TEST(SettledKernelTest, AGpusCheckpointOpensWithoutOne) {
  EXPECT_EQ(settled_kernel("", "flash", torch::kCPU), "flash");
  EXPECT_EQ(settled_kernel("matmul", "flash", torch::kCPU), "matmul");
  EXPECT_EQ(settled_kernel("", "cuda-tensor", torch::kCPU), "auto");
  EXPECT_EQ(settled_kernel("", "no kernel", torch::kCPU), "no kernel");
}

TEST_F(GptCheckpointTest, RefusesWhatItCannotCompute) {
  save_gpt(Gpt(small()), folder.path());
  const auto gpt2 = config();
  const auto with = [&](const std::string& key, const nlohmann::json& value) {
    auto json = gpt2;
    json.erase("zoo");
    json[key] = value;
    write_config(json);
    return refusal();
  };
  EXPECT_EQ(with("use_cache", true), "");
  EXPECT_THAT(with("model_type", "bert"),
              HasSubstr("config.json: a checkpoint of another family (model_type \"bert\"); this "
                        "program reads gpt2, llama, mistral, "));
  EXPECT_THAT(with("architectures", {"GPT2ForSequenceClassification"}),
              HasSubstr("of model_type gpt2 the zoo has GPT2LMHeadModel and GPT2Model"));
  EXPECT_THAT(with("activation_function", "mish"), HasSubstr("known are gelu, gelu_new"));
  EXPECT_THAT(with("add_cross_attention", true), HasSubstr("\"add_cross_attention\" is true"));
  EXPECT_THAT(with("n_layer", "2"), HasSubstr("\"n_layer\" must be a whole number, got \"2\""));
  EXPECT_THAT(with("n_layer", 2.5), HasSubstr("must be a whole number, got 2.5"));
  EXPECT_THAT(with("n_head", -3), HasSubstr("\"n_head\" must be positive, got -3"));
  EXPECT_THAT(with("n_embd", 1'999'999'998), HasSubstr("more than the"));
  EXPECT_THAT(with("n_layer", 2000000000), HasSubstr("more than the"));
  EXPECT_THAT(with("n_layer", 1),
              HasSubstr("\"transformer.h.1.attn.c_attn.bias\" [36] has no place"));
  EXPECT_THAT(with("n_head", 5), HasSubstr("d-model must be a multiple of heads"));
  EXPECT_THAT(with("vocab_size", 12),
              HasSubstr("\"transformer.wte.weight\" has shape [11, 12], but token_embedding.weight "
                        "needs [12, 12]"));
}

TEST_F(GptCheckpointTest, RefusesValuesThatAreNestedWithoutEnd) {
  const std::string deep = std::string(1'000'000, '[') + std::string(1'000'000, ']');
  testing::write_bytes(folder / "config.json", R"({"model_type": "gpt2", "n_head": )" + deep + "}");
  EXPECT_THAT(refusal(), HasSubstr("\"n_head\" must be a whole number, got a list"));
  testing::write_bytes(folder / "config.json", R"({"model_type": "gpt2", "zoo": )" + deep + "}");
  EXPECT_THAT(refusal(), HasSubstr("\"zoo\" must be an object"));
  testing::write_bytes(folder / "config.json",
                       R"({"model_type": "gpt2", "architectures": )" + deep + "}");
  EXPECT_THAT(refusal(), HasSubstr("\"architectures\" must be a string"));
}

TEST_F(GptCheckpointTest, RefusesRopesThatItDoesNotKnow) {
  nlohmann::json json = {{"model_type", "llama"}, {"rope_scaling", {{"rope_type", "longrope"}}}};
  write_config(json);
  EXPECT_THAT(refusal(), HasSubstr("rope_type \"longrope\" is not supported; known are default, "
                                   "linear, dynamic, yarn, llama3"));
  json["rope_scaling"] = {{"type", "linear"}};
  write_config(json);
  EXPECT_THAT(refusal(), HasSubstr("rope_type linear needs \"factor\""));
  json["rope_scaling"] = nullptr;
  json["hidden_act"] = "quick_gelu";
  write_config(json);
  EXPECT_THAT(refusal(), HasSubstr("\"hidden_act\" is quick-gelu, but the zoo's gates are silu"));
}

TEST_F(GptCheckpointTest, RefusesAZooThatContradictsTheReferencesKeys) {
  save_gpt(Gpt(small()), folder.path());
  auto json = config();
  json["activation_function"] = "relu";
  write_config(json);
  EXPECT_THAT(refusal(),
              HasSubstr("\"activation_function\" is \"relu\", but \"zoo\" makes it \"gelu\""));
  json = config();
  json["activation_function"] = "gelu";
  json["zoo"]["depth"] = 3;
  write_config(json);
  EXPECT_THAT(refusal(), HasSubstr("\"zoo\" has an unknown option \"depth\""));
  json["zoo"].erase("depth");
  json["zoo"]["heads"] = 0;
  write_config(json);
  EXPECT_THAT(refusal(), HasSubstr("heads must be 1 or more, got 0"));
}

TEST_F(GptCheckpointTest, SaysWhatAFolderLacks) {
  EXPECT_THAT(refusal(), HasSubstr("config.json"));
  testing::write_bytes(folder / "config.json", "{\"model_type\": ");
  EXPECT_THAT(refusal(), HasSubstr("config.json: not JSON"));
  testing::write_bytes(folder / "config.json", "{}");
  EXPECT_THAT(refusal(), HasSubstr("no \"model_type\""));
  testing::write_bytes(folder / "config.json", "{\"model_type\": \"gpt2\"}");
  EXPECT_THAT(refusal(), HasSubstr("holds no model.safetensors"));
}

}  // namespace
}  // namespace zoo
