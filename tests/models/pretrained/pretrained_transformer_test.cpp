// Encoder-decoder folders that `transformers` wrote: our logits, hidden states and attention
// weights are its own (tests/golden/encoder_decoders.py), and what we write has its names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "models/pretrained/transformer/transformer_checkpoint.h"
#include "tests/support/temporary_folder.h"

namespace zoo {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

nlohmann::json parse_config(const fs::path& folder) {
  std::ifstream in(folder / "config.json");
  return nlohmann::json::parse(in);
}

/// Rows of [B, ...] whose places are all real: the last one has padding in its source.
void expect_close(const torch::Tensor& ours, const torch::Tensor& theirs, bool of_source,
                  const std::string& what) {
  ASSERT_EQ(ours.sizes(), theirs.sizes()) << what;
  const int64_t rows = of_source ? ours.size(0) - 1 : ours.size(0);
  const auto a = ours.narrow(0, 0, rows), b = theirs.narrow(0, 0, rows);
  EXPECT_TRUE(torch::allclose(a, b, 1e-4, 2e-5))
      << what << ": largest error " << (a - b).abs().max().item<float>();
}

class GoldenTransformerTest : public ::testing::TestWithParam<const char*> {
 protected:
  fs::path folder = fs::path("tests/golden") / GetParam();
  torch::NoGradGuard no_grad;
};

TEST_P(GoldenTransformerTest, ComputesWhatTransformersDoes) {
  const SafetensorsReader io(folder / "io.safetensors");
  const auto lengths = io.tensor("attention_mask").sum(1);  // [B]
  for (const std::string kernel : {"matmul", "torch", "flash"}) {
    Transformer model = load_transformer(folder, {.attention = kernel, .head_optional = true});
    const auto hidden =
        model->hidden(io.tensor("input_ids"), lengths, io.tensor("decoder_input_ids"));
    expect_close(hidden, io.tensor("last_hidden_state"), false, kernel + " hidden");
    if (!read_transformer_config(folder).has_head) continue;
    expect_close(model->logits_of(hidden), io.tensor("logits"), false, kernel + " logits");
  }
}

TEST_P(GoldenTransformerTest, TracesBothSides) {
  Transformer model = load_transformer(folder, {.attention = "matmul", .head_optional = true});
  const SafetensorsReader io(folder / "io.safetensors");
  const auto mask = io.tensor("attention_mask").to(torch::kBool);          // [B, S]
  const AttendArgs padding{.may_attend = mask.unsqueeze(1).unsqueeze(1)};  // [B, 1, 1, S]
  Trace trace{.hidden_states = true, .attentions = true, .tensors = {}};

  const auto encoded = model->encode(io.tensor("input_ids"), padding, &trace);
  model->decode(io.tensor("decoder_input_ids"), model->cross_keys_values(encoded),
                {.cross_args = padding, .trace = &trace});

  expect_close(encoded, io.tensor("encoder_last_hidden_state"), true, "encoded");
  size_t compared = 0;
  for (const auto& name : io.names()) {
    if (name.find(".") == std::string::npos) continue;
    ASSERT_TRUE(trace.tensors.contains(name)) << name;
    expect_close(trace.tensors[name], io.tensor(name), name.starts_with("encoder"), name);
    ++compared;
  }
  EXPECT_EQ(compared, trace.tensors.size());
  EXPECT_EQ(compared, 3u + 2u + 2u + 1u + 1u);  // 2 + 1 layers
}

/// Only models with a head are written.
class WrittenTransformerTest : public GoldenTransformerTest {};
TEST_P(WrittenTransformerTest, SavesTheNamesShapesAndValuesThatItRead) {
  const TransformerConfig config = read_transformer_config(folder);
  testing::TemporaryFolder saved;

  save_transformer(load_transformer(folder), saved.path(), config.ids);

  const SafetensorsReader ours(saved.path()), theirs(folder);
  for (const auto& name : ours.names()) {
    ASSERT_TRUE(theirs.contains(name)) << name;
    EXPECT_TRUE(torch::allclose(ours.tensor(name), theirs.tensor(name), 0.0,
                                name.ends_with("embed_positions.weight") ? 1e-6 : 0.0))
        << name;
  }
  for (const auto& name : theirs.names()) {
    // Where nothing is tied the reference also writes a table that nothing reads.
    const bool unread = name == "model.shared.weight" && !config.options.tie_embeddings;
    EXPECT_TRUE(ours.contains(name) || unread) << name;
  }
  const auto before = parse_config(folder), after = parse_config(saved.path());
  for (const auto& [key, value] : after.items()) {
    const auto same = value == "silu" ? nlohmann::json("swish") : value;
    // T5: transformers 5 writes "tie_word_embeddings" true always, and under a key of its own what
    // the key means to older versions, as to us: whether outputs are scaled.
    const bool scales = key == "tie_word_embeddings" && before.contains("scale_decoder_outputs");
    const std::string theirs_key = scales ? "scale_decoder_outputs" : key;
    if (before.contains(theirs_key)) EXPECT_EQ(same, before[theirs_key]) << key;
  }
  EXPECT_EQ(read_transformer_config(saved.path()).ids.decoder_start, config.ids.decoder_start);
}

INSTANTIATE_TEST_SUITE_P(Folders, WrittenTransformerTest,
                         ::testing::Values("marian", "marian_two_vocabularies", "bart",
                                           "bart_untied", "pegasus", "mbart", "t5", "t5_gated"),
                         [](const auto& info) { return std::string(info.param); });

INSTANTIATE_TEST_SUITE_P(Folders, GoldenTransformerTest,
                         ::testing::Values("marian", "marian_two_vocabularies", "bart",
                                           "bart_untied", "bart_headless", "pegasus", "mbart", "t5",
                                           "t5_gated"),
                         [](const auto& info) { return std::string(info.param); });

/// What a config.json is refused with, after a change.
class TransformerConfigTest : public ::testing::Test {
 protected:
  std::string refusal(const std::string& golden, const std::string& key, nlohmann::json value) {
    auto json = parse_config(fs::path("tests/golden") / golden);
    json[key] = std::move(value);
    std::ofstream(folder.path() / "config.json") << json.dump();
    try {
      read_transformer_config(folder.path());
      return "";
    } catch (const std::runtime_error& error) {
      return error.what();
    }
  }
  testing::TemporaryFolder folder;
};

TEST_F(TransformerConfigTest, WhatTheZooLacksIsRefusedByName) {
  EXPECT_EQ(refusal("marian", "dropout", 0.2), "");
  EXPECT_THAT(refusal("marian", "activation_function", "mish"),
              HasSubstr("activation_function \"mish\" is not supported; known are gelu"));
  EXPECT_THAT(refusal("marian", "is_decoder", true), HasSubstr("\"is_decoder\" is true"));
  EXPECT_THAT(refusal("marian", "d_model", 16),
              HasSubstr("\"d_model\" 16 is not a multiple of \"encoder_attention_heads\" 3"));
  EXPECT_THAT(refusal("marian", "encoder_layers", 0),
              HasSubstr("\"encoder_layers\" must be positive, got 0"));
  EXPECT_THAT(refusal("marian", "encoder_ffn_dim", 2.5),
              HasSubstr("\"encoder_ffn_dim\" must be a whole number, got 2.5"));
  EXPECT_THAT(refusal("marian", "decoder_vocab_size", 30), HasSubstr("they share a table"));
  EXPECT_THAT(refusal("bart", "normalize_before", true), HasSubstr("\"normalize_before\" is true"));
  EXPECT_THAT(refusal("bart", "model_type", "prophetnet"),
              HasSubstr("a checkpoint of another family (model_type \"prophetnet\")"));
  EXPECT_THAT(refusal("mbart", "normalize_before", false),
              HasSubstr("\"normalize_before\" is false"));
  EXPECT_THAT(refusal("t5", "relative_attention_num_buckets", 7),
              HasSubstr("\"relative_attention_num_buckets\" must be even"));
  EXPECT_THAT(refusal("t5", "relative_attention_max_distance", 4),
              HasSubstr("\"relative_attention_max_distance\" must be above 4, got 4"));
  EXPECT_THAT(refusal("t5", "feed_forward_proj", "gated-gelu-new"),
              HasSubstr("\"feed_forward_proj\" must be an activation, or gated- before one"));
  EXPECT_THAT(refusal("t5_gated", "dense_act_fn", "quick_gelu"),
              HasSubstr("\"feed_forward_proj\": the zoo has no gate with quick-gelu"));
  EXPECT_THAT(refusal("t5", "architectures", {"T5EncoderModel"}),
              HasSubstr("T5ForConditionalGeneration and T5Model"));
  EXPECT_THAT(refusal("bart", "architectures", {"BartForSequenceClassification"}),
              HasSubstr("BartForConditionalGeneration and BartModel"));
}

TEST_F(TransformerConfigTest, ACheckpointThatPromisesTooMuchIsRefusedBeforeItIsBuilt) {
  auto json = parse_config("tests/golden/marian");
  json["encoder_ffn_dim"] = 2'000'000'000;
  std::ofstream(folder.path() / "config.json") << json.dump();
  fs::copy_file("tests/golden/marian/model.safetensors", folder.path() / "model.safetensors");
  try {
    load_transformer(folder.path());
    FAIL() << "was loaded";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("more than the"));
  }
}

TEST(TransformerLayoutTest, APaperThatInterleavesItsSinusoidsIsNoPythonModel) {
  auto options = TransformerOptions::base();
  EXPECT_EQ(layout_of(options), TransformerLayout::kMarian);
  options.norm_place = NormPlace::kPre;
  EXPECT_EQ(layout_of(options), TransformerLayout::kPegasus);
  options.sinusoids = SinusoidOrder::kInterleaved;
  EXPECT_EQ(layout_of(options), TransformerLayout::kZoo);
  EXPECT_THAT(layout_note(options), HasSubstr("T5's would need position t5, scale-embeddings"));
  EXPECT_THAT(layout_note(options), HasSubstr("Pegasus's would need sinusoids halves"));
  EXPECT_EQ(layout_of(TransformerOptions::bart_base()), TransformerLayout::kBart);
  EXPECT_EQ(layout_of(TransformerOptions::pegasus_base()), TransformerLayout::kPegasus);
  EXPECT_EQ(layout_of(TransformerOptions::marian()), TransformerLayout::kMarian);
  EXPECT_EQ(layout_of(TransformerOptions::mbart_large()), TransformerLayout::kMbart);
  EXPECT_EQ(layout_of(TransformerOptions::t5_small()), TransformerLayout::kT5);
  EXPECT_EQ(layout_of(TransformerOptions::flan_t5_small()), TransformerLayout::kT5);
}

TEST(TransformerLayoutTest, OursReturnsFromItsFolderToTheBit) {
  torch::manual_seed(3);
  auto options = TransformerOptions::tiny();
  options.vocab_size = 19;
  options.position = PositionKind::kRotary;
  options.activation = Activation::kSwiglu;
  options.heads = 4;
  options.dropout = 0.3;
  const Transformer model(options);
  const testing::TemporaryFolder folder;
  const torch::NoGradGuard no_grad;

  save_transformer(model, folder.path(), {.eos = {2}, .pad = 1, .decoder_start = 1});
  Transformer again = load_transformer(folder.path());

  EXPECT_EQ(again->options.dropout, 0.3);
  const auto source = torch::randint(19, {2, 7}, torch::kLong),
             target = torch::randint(19, {2, 5}, torch::kLong);
  Transformer first = model;
  first->eval();
  EXPECT_TRUE(torch::equal(first->forward(source, {}, target), again->forward(source, {}, target)));
}

}  // namespace
}  // namespace zoo
