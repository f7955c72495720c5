// Which layout of transformers a decoder-only model is written in, and what those cannot say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "tests/models/pretrained/gpt_folder.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;

class GptLayoutTest : public testing::GptFolderTest {};

TEST_F(GptLayoutTest, EveryShapeHasTheLayoutThatCanSayIt) {
  const auto like = [](GptOptions o, auto change) {
    change(o);
    return o;
  };
  using O = GptOptions;
  const O llama = like(small(), [](O& o) {
    o.position = PositionKind::kRotary, o.norm = NormKind::kRms, o.activation = Activation::kReglu;
    o.attention_bias = o.feed_forward_bias = false;
  });
  const O part = like(small(), [](O& o) {
    o.position = PositionKind::kRotary, o.head_width = 4, o.rotary.share = 0.5;
  });
  const std::vector<std::pair<std::string, O>> shapes = {
      {"llama", llama},
      {"mistral", like(llama, [](O& o) { o.window = 3; })},
      {"qwen2", like(llama, [](O& o) { o.attention_bias = true, o.out_bias = false; })},
      {"qwen2", like(llama,
                     [](O& o) {
                       o.attention_bias = true, o.out_bias = false;
                       o.window = 2, o.window_pattern = "LG";
                     })},
      {"qwen3", like(llama, [](O& o) { o.qk_norm = true, o.head_width = 6; })},
      {"qwen3", like(llama, [](O& o) { o.qk_norm = o.attention_bias = true; })},
      {"gemma2", like(llama,
                      [](O& o) {
                        o.norm_place = NormPlace::kSandwich, o.scale_embeddings = true;
                        o.score_cap = 3.0, o.scale_width = 7, o.window = 2, o.window_pattern = "GL";
                      })},
      {"mixtral", like(llama, [](O& o) { o.experts = 3, o.expert_width = 5; })},
      {"qwen3_moe", like(llama,
                         [](O& o) {
                           o.experts = 3, o.qk_norm = true, o.renormalise_experts = false;
                           o.dense_layers = "1";
                         })},
      {"phi", like(part,
                   [](O& o) {
                     o.parallel = ParallelBranches::kOneNorm, o.output_bias = true;
                     o.kv_heads = 1, o.qk_norm = true;
                   })},
      {"gpt_neox", like(part, [](O& o) { o.parallel = ParallelBranches::kTwoNorms; })},
      {"gpt_neox", part},
      {"opt", like(small(), [](O& o) { o.position_offset = 2; })},
      {"opt", like(small(),
                   [](O& o) {
                     o.position_offset = 2, o.norm_place = NormPlace::kPost, o.embedding_width = 5;
                     o.attention_bias = o.feed_forward_bias = false;
                   })},
      {"bloom", like(small(), [](O& o) {
         o.position = PositionKind::kAlibi, o.norm_embeddings = true;
         o.activation = Activation::kGeluTanh;
       })}};
  for (const auto& [model_type, options] : shapes) {
    SCOPED_TRACE(model_type);
    EXPECT_EQ(name_of(layout_of(options)), model_type) << layout_note(options);
    expect_round_trip(options, model_type != "gemma2");  // to whose norms 1 is added
    EXPECT_EQ(config()["model_type"], model_type);
    auto json = config();  // its own keys say it all
    json.erase("zoo");
    EXPECT_EQ(layout_of(gpt_config_from_json(json).options), layout_of(options));
    const O pruned = like(options, [](O& o) { o.pruned_heads = "0:1"; });
    EXPECT_EQ(name_of(layout_of(pruned)), model_type) << layout_note(pruned);
    expect_round_trip(pruned, model_type != "gemma2");
  }
}

TEST_F(GptLayoutTest, OpensExpertsThatLieInOneTensor) {
  auto options = small();
  options.position = PositionKind::kRotary, options.norm = NormKind::kRms;
  options.activation = Activation::kSwiglu;
  options.attention_bias = options.feed_forward_bias = false;
  options.experts = 3, options.expert_width = 5;
  for (const bool qwen : {false, true}) {
    options.qk_norm = qwen;
    options.dense_layers = qwen ? "0" : "";
    Gpt model(options);
    save_gpt(model, folder.path());
    std::map<std::string, torch::Tensor> tensors;
    {
      const SafetensorsReader reader(folder.path());
      for (const auto& name : reader.names()) tensors[name] = reader.tensor(name).clone();
    }
    const auto taken = [&](const std::string& name) {
      const auto tensor = tensors.at(name);
      tensors.erase(name);
      return tensor;
    };
    for (int64_t layer = qwen ? 1 : 0; layer < 2; ++layer) {
      const auto at = "model.layers." + std::to_string(layer) + ".";
      const auto moe = at + (qwen ? "mlp." : "block_sparse_moe.");
      std::vector<torch::Tensor> in, out;
      for (int64_t e = 0; e < 3; ++e) {
        const auto expert = moe + "experts." + std::to_string(e) + ".";
        const auto gate = taken(expert + (qwen ? "gate_proj" : "w1") + ".weight");
        in.push_back(torch::cat({gate, taken(expert + (qwen ? "up_proj" : "w3") + ".weight")}));
        out.push_back(taken(expert + (qwen ? "down_proj" : "w2") + ".weight"));
      }
      tensors[at + "mlp.experts.gate_up_proj"] = torch::stack(in);  // [E, 2 F, C]
      tensors[at + "mlp.experts.down_proj"] = torch::stack(out);    // [E, C, F]
    }
    write_safetensors(folder / "model.safetensors", tensors);
    const auto ids = torch::arange(8).unsqueeze(0);
    model->eval();
    EXPECT_TRUE(torch::equal(load_gpt(folder.path())->forward(ids), model->forward(ids))) << qwen;
  }
}

TEST_F(GptLayoutTest, SaysWhyPythonWillNotOpenACheckpoint) {
  EXPECT_EQ(layout_note(small()), "");
  auto options = small();
  options.norm_place = NormPlace::kPost;
  EXPECT_THAT(layout_note(options),
              ::testing::EndsWith("does not open: the nearest layout, GPT-2's, "
                                  "would need norm-place pre"));
  options = {};
  options.norm = NormKind::kRms;
  options.position = PositionKind::kRotary;
  options.rotary.scaling = RotaryScaling::kNtk;
  options.activation = Activation::kSwiglu;
  options.window = 3;
  EXPECT_THAT(layout_note(options), HasSubstr("Llama's, would need window 0, rotary-scaling none"));
}

TEST_F(GptLayoutTest, NamesTheKeyThatAFamilyCannotHave) {
  const auto with = [&](const nlohmann::json& config) {
    write_config(config);
    return refusal();
  };
  EXPECT_THAT(with({{"model_type", "bloom"}, {"apply_residual_connection_post_layernorm", true}}),
              HasSubstr("\"apply_residual_connection_post_layernorm\" is true"));
  EXPECT_THAT(with({{"model_type", "opt"}, {"layer_norm_elementwise_affine", false}}),
              HasSubstr("\"layer_norm_elementwise_affine\" is false"));
  EXPECT_THAT(with({{"model_type", "gemma2"}, {"use_bidirectional_attention", true}}),
              HasSubstr("\"use_bidirectional_attention\" is true"));
  EXPECT_THAT(with({{"model_type", "mistral"}, {"num_key_value_heads", nullptr}}),
              HasSubstr("\"num_key_value_heads\" is null"));
  EXPECT_THAT(with({{"model_type", "mistral"}, {"layer_types", {"sliding_attention"}}}),
              HasSubstr("\"layer_types\" has \"sliding_attention\""));
  const nlohmann::json qwen = {{"model_type", "qwen2"}, {"num_hidden_layers", 2}};
  const auto typed = [&](const nlohmann::json& types) {
    auto config = qwen;
    config["layer_types"] = types;
    return with(config);
  };
  EXPECT_THAT(typed({"full_attention"}), HasSubstr("\"layer_types\" has 1 entries for 2 layers"));
  EXPECT_THAT(typed({"full_attention", "chunked_attention"}),
              HasSubstr("has \"chunked_attention\""));
  EXPECT_THAT(typed({"full_attention", "sliding_attention"}),
              HasSubstr("there is no \"sliding_window\" in use"));
  EXPECT_THAT(typed("full_attention"), HasSubstr("\"layer_types\" must be a list"));
  EXPECT_THAT(with({{"model_type", "phi"}, {"hidden_size", 24}, {"num_attention_heads", 4}}),
              HasSubstr("of 6 coordinates of a head an odd number would rotate"));
  EXPECT_THAT(with({{"model_type", "qwen3_moe"}, {"mlp_only_layers", "0"}}),
              HasSubstr("\"mlp_only_layers\" must be a list"));
}

}  // namespace
}  // namespace zoo
