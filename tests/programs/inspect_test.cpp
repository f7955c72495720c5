// The program `inspect`: counts that can be checked by hand, and bad input in one line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "models/pretrained/format/safetensors.h"
#include "tests/programs/run_program.h"
#include "tests/support/temporary_folder.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using testing::run_program;

TEST(InspectTest, CountsParametersFlopsAndMemory) {
  const auto result = run_program("inspect", {"tests/golden/gpt2", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  // V 61, context 24, C 15, L 2, H 3, F 60: tables (61 + 24) 15; a layer 15 45 + 45 + 15 15 + 15,
  // 15 60 + 60 + 60 15 + 15, and two norms of 30; a last norm.
  const int tables = 85 * 15, layer = 675 + 45 + 225 + 15 + 900 + 60 + 900 + 15 + 60;
  EXPECT_EQ(json["model_type"], "gpt2");
  EXPECT_EQ(json["tensors"].size(), 28u);
  EXPECT_EQ(json["parameters"]["total"], tables + 2 * layer + 30);
  EXPECT_EQ(json["parameters"]["embedding"], tables);
  EXPECT_EQ(json["bytes"], 4 * (tables + 2 * layer + 30));
  const double matrices = 2 * (675 + 225 + 900 + 900) + 61 * 15;
  EXPECT_EQ(json["flops_per_token"]["forward"], 2 * matrices + 4 * 2 * 15 * 24);
  EXPECT_EQ(json["flops_per_token"]["training"], 6 * matrices + 12 * 2 * 15 * 24);
  EXPECT_EQ(json["memory_bytes"]["kv_cache_per_token"], 2 * 2 * 15 * 4);
  EXPECT_EQ(json["memory_bytes"]["optimizer"], 8 * (tables + 2 * layer + 30));
}

TEST(InspectTest, TheLengthOfSequencesCountsForAttentionAlone) {
  const auto forward = [](const std::string& length) {
    const auto result =
        run_program("inspect", {"tests/golden/llama", "--json", "--length", length});
    return nlohmann::json::parse(result.out)["flops_per_token"]["forward"].get<double>();
  };
  EXPECT_EQ(forward("11") - forward("10"), 4 * 2 * 24);  // 4 L H Dh
}

TEST(InspectTest, PrintsATableForPeople) {
  const auto result = run_program("inspect", {"tests/golden/gpt2_sharded"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("transformer.h.0.attn.c_attn.weight  [15, 45]           F32"));
  EXPECT_THAT(result.out, HasSubstr("28 tensors, 27.7 KiB"));
  EXPECT_THAT(result.out,
              HasSubstr("parameters        7.09 K (1.27 K in embeddings, 5.82 K elsewhere)"));
}

TEST(InspectTest, ReadsFilesWithoutAConfig) {
  const auto result = run_program("inspect", {"tests/golden/gpt2/io.safetensors", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_TRUE(json["model_type"].is_null());
  EXPECT_FALSE(json.contains("flops_per_token"));
  EXPECT_EQ(json["tensors"].size(), 9u);
}

TEST(InspectTest, TellsWhatEveryFamilyCosts) {
  const auto inspected = [](const std::string& golden) {
    const auto result = run_program("inspect", {"tests/golden/" + golden, "--json"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return nlohmann::json::parse(result.out);
  };
  for (const auto& [golden, input] :
       {std::pair("bert/BertForPreTraining", "tokens through the encoder"),
        std::pair("marian", "a source and a target of"),
        std::pair("vision/ViTForImageClassification", "a picture of"),
        std::pair("vision/CLIPModel", "tokens")}) {
    const auto json = inspected(golden);
    EXPECT_FALSE(json.contains("mismatch")) << json["mismatch"];
    EXPECT_THAT(json["flops"]["input"], HasSubstr(input));
    EXPECT_GT(json["flops"]["forward"], 0.0);
    EXPECT_EQ(json["flops"]["training"], 3 * json["flops"]["forward"].get<double>());
    EXPECT_EQ(json["memory_bytes"]["gradients"], 4 * json["parameters"]["total"].get<int64_t>());
    const auto text = run_program("inspect", {std::string("tests/golden/") + golden});
    EXPECT_THAT(text.out, HasSubstr("FLOPs             forward"));
  }
}

/// A copy of a golden checkpoint with other values in its config.json.
nlohmann::json inspect_changed(const std::string& golden, const nlohmann::json& changes) {
  const testing::TemporaryFolder folder;
  auto config = nlohmann::json::parse(std::ifstream("tests/golden/" + golden + "/config.json"));
  config.update(changes);
  std::ofstream(folder / "config.json") << config.dump();
  std::filesystem::copy("tests/golden/" + golden + "/model.safetensors", folder.path());
  const auto result = run_program("inspect", {folder.path().string(), "--json"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return nlohmann::json::parse(result.out);
}

TEST(InspectTest, BelievesTheTensorsWhereConfigJsonSaysOtherwise) {
  const auto plain = inspect_changed("llama", nlohmann::json::object());
  EXPECT_FALSE(plain.contains("mismatch"));
  for (const char* key : {"hidden_size", "num_hidden_layers", "vocab_size", "intermediate_size"}) {
    const auto json = inspect_changed("llama", {{key, 2147483646}});
    EXPECT_EQ(json["parameters"]["total"], plain["parameters"]["total"]) << key;
    EXPECT_THAT(json["mismatch"], HasSubstr("config.json describes")) << key;
    EXPECT_FALSE(json.contains("flops_per_token")) << key;
  }
  const auto wide = inspect_changed("marian", {{"encoder_ffn_dim", 2147483646}});
  EXPECT_THAT(wide["mismatch"], HasSubstr("config.json"));
  EXPECT_FALSE(wide.contains("flops"));
  const auto text = run_program("inspect", {"tests/golden/llama"});
  EXPECT_THAT(text.out, ::testing::Not(HasSubstr("describes")));
}

TEST(InspectTest, SizesThatOverflowWholeNumbersAreAMismatch) {
  const auto json = inspect_changed("llama", {{"hidden_size", 2147483647},
                                              {"num_hidden_layers", 2147483647},
                                              {"num_attention_heads", 2147483647},
                                              {"num_key_value_heads", 2147483647},
                                              {"head_dim", 2147483647}});
  EXPECT_THAT(json["mismatch"], HasSubstr("config.json describes"));
}

TEST(InspectTest, ALayerThatIsNotThereIsNotCounted) {
  const testing::TemporaryFolder folder;
  const SafetensorsReader reader("tests/golden/llama");
  std::map<std::string, torch::Tensor> tensors;
  for (const auto& name : reader.names()) tensors[name] = reader.tensor(name);
  const int64_t head = tensors.at("lm_head.weight").numel();
  tensors.erase("lm_head.weight");
  write_safetensors(folder / "model.safetensors", tensors);
  auto config = nlohmann::json::parse(std::ifstream("tests/golden/llama/config.json"));
  config["architectures"] = {"LlamaModel"};
  std::ofstream(folder / "config.json") << config.dump();

  const auto json =
      nlohmann::json::parse(run_program("inspect", {folder.path().string(), "--json"}).out);
  const auto whole =
      nlohmann::json::parse(run_program("inspect", {"tests/golden/llama", "--json"}).out);
  EXPECT_FALSE(json.contains("mismatch"));
  EXPECT_EQ(json["parameters"]["total"], whole["parameters"]["total"].get<int64_t>() - head);
  EXPECT_EQ(json["flops_per_token"]["forward"],
            whole["flops_per_token"]["forward"].get<double>() - 2.0 * static_cast<double>(head));
}

TEST(InspectTest, TheCausalMaskOfEarlyFilesIsNoParameter) {
  const auto early = run_program("inspect", {"tests/golden/gpt2_old_names", "--json"});
  const auto today = run_program("inspect", {"tests/golden/gpt2", "--json"});
  EXPECT_EQ(nlohmann::json::parse(early.out)["parameters"],
            nlohmann::json::parse(today.out)["parameters"]);
}

TEST(InspectTest, RefusesAConfigJsonThatIsNone) {
  for (const std::string text : {"", "{\"model_type\": ", "[]"}) {
    const testing::TemporaryFolder folder;
    std::filesystem::copy("tests/golden/gpt2/model.safetensors", folder.path());
    std::ofstream(folder / "config.json") << text;
    const auto result = run_program("inspect", {folder.path().string()});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, HasSubstr("config.json: not a JSON object"));
  }
}

TEST(InspectTest, RefusesWhatIsNoCheckpointInOneLine) {
  testing::TemporaryFolder folder;
  std::ofstream(folder / "text.safetensors") << "this is not a tensor file, but long enough";
  const auto refusal = [](const std::string& path) {
    const auto result = run_program("inspect", {path});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(result.err.find('\n'), result.err.size() - 1) << result.err;
    return result.err;
  };
  EXPECT_THAT(refusal(folder.path().string()), HasSubstr("holds no model.safetensors"));
  EXPECT_THAT(refusal((folder / "absent").string()), HasSubstr("absent: No such file"));
  EXPECT_THAT(refusal((folder / "text.safetensors").string()), HasSubstr("not a safetensors file"));
  EXPECT_EQ(run_program("inspect", {}).exit_code, 2);
  EXPECT_EQ(run_program("inspect", {"tests/golden/gpt2", "--length", "-1"}).exit_code, 2);
}

}  // namespace
}  // namespace zoo
