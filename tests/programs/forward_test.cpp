// The program `forward`: the goldens of tests/golden, and bad input in one line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "models/pretrained/format/safetensors.h"
#include "models/pretrained/gpt/gpt_checkpoint.h"
#include "tests/programs/run_program.h"
#include "tests/support/device_node.h"
#include "tests/support/temporary_folder.h"

namespace zoo {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class ForwardTest : public ::testing::Test {
 protected:
  testing::ProgramResult forward(const std::map<std::string, torch::Tensor>& inputs,
                                 std::vector<std::string> more = {},
                                 const std::string& model = "tests/golden/gpt2") {
    write_safetensors(folder / "in.safetensors", inputs);
    std::vector<std::string> arguments{"--model",   model,
                                       "--inputs",  (folder / "in.safetensors").string(),
                                       "--outputs", outputs.string(),
                                       "--threads", "1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return testing::run_program("forward", arguments);
  }
  /// The one line with which these inputs are refused.
  std::string refusal(const std::map<std::string, torch::Tensor>& inputs,
                      const std::vector<std::string>& more = {},
                      const std::string& model = "tests/golden/gpt2") {
    const auto result = forward(inputs, more, model);
    EXPECT_EQ(result.exit_code, 1) << result.err;
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, StartsWith("forward: "));
    EXPECT_EQ(result.err.find('\n'), result.err.size() - 1) << result.err;
    EXPECT_FALSE(std::filesystem::exists(folder / "out.safetensors"));
    return result.err;
  }
  torch::Tensor ids = torch::tensor({{1, 2, 3, 4}, {5, 6, 7, 8}});
  testing::TemporaryFolder folder;
  std::filesystem::path outputs = folder / "out.safetensors";
};

TEST_F(ForwardTest, GivesTheReferencesNamesAndValues) {
  for (const std::string model : {"gpt2", "llama", "llama_llama3_rope"}) {
    const auto golden = "tests/golden/" + model;
    const SafetensorsReader io(golden + "/io.safetensors");
    const auto mask = io.tensor("attention_mask");
    const auto result = forward({{"input_ids", io.tensor("input_ids").to(torch::kInt32)},
                                 {"attention_mask", mask.to(torch::kBool)}},
                                {"--hidden-states", "--attentions"}, golden);
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const SafetensorsReader out(folder / "out.safetensors");
    EXPECT_EQ(out.names().size() + 2, io.names().size());
    for (const auto& name : out.names()) {
      const auto ours = out.tensor(name), expected = io.tensor(name);
      ASSERT_EQ(ours.sizes(), expected.sizes()) << name;
      EXPECT_EQ(ours.scalar_type(), torch::kFloat) << name;
      const auto rows = torch::arange(2);  // without padding
      EXPECT_TRUE(torch::allclose(ours.index({rows}), expected.index({rows}), 1e-4, 1e-5)) << name;
    }
    std::filesystem::remove(folder / "out.safetensors");
  }
}

TEST_F(ForwardTest, WritesHiddenStatesAndAttentionsOnlyWhenAsked) {
  ASSERT_EQ(forward({{"input_ids", ids}}).exit_code, 0);
  EXPECT_THAT(SafetensorsReader(folder / "out.safetensors").names(),
              ::testing::ElementsAre("last_hidden_state", "logits"));
  ASSERT_EQ(forward({{"input_ids", ids}}, {"--hidden-states"}).exit_code, 0);
  const auto names = SafetensorsReader(folder / "out.safetensors").names();
  EXPECT_THAT(names, Contains("hidden_states.2"));
  EXPECT_THAT(names, Not(Contains("attentions.0")));
}

TEST_F(ForwardTest, PositionIdsMoveTheTokens) {
  const auto logits = [&](const std::map<std::string, torch::Tensor>& inputs) {
    EXPECT_EQ(forward(inputs).exit_code, 0);
    return SafetensorsReader(folder / "out.safetensors").tensor("logits");
  };
  const auto plain = logits({{"input_ids", ids}});
  const auto counted =
      logits({{"input_ids", ids}, {"position_ids", torch::arange(4).unsqueeze(0)}});
  const auto moved =
      logits({{"input_ids", ids}, {"position_ids", torch::arange(3, 7).expand({2, 4})}});
  EXPECT_TRUE(torch::equal(plain, counted));
  EXPECT_FALSE(torch::allclose(plain, moved, 1e-2, 1e-2));
}

TEST_F(ForwardTest, RefusesInputsThatDoNotFitTheModel) {
  EXPECT_THAT(refusal({}), HasSubstr("no input \"input_ids\"; this model takes input_ids, "));
  EXPECT_THAT(refusal({{"input_ids", ids}, {"pixel_values", torch::ones({1})}}),
              HasSubstr("unknown input \"pixel_values\""));
  EXPECT_THAT(refusal({{"input_ids", ids.to(torch::kFloat)}}),
              HasSubstr("input_ids must be I32 or I64, got F32"));
  EXPECT_THAT(refusal({{"input_ids", ids[0]}}),
              HasSubstr("must be [batch, length], got shape [4]"));
  EXPECT_THAT(refusal({{"input_ids", ids.slice(1, 0, 0)}}),
              HasSubstr("input_ids is empty: [2, 0]"));
  EXPECT_THAT(refusal({{"input_ids", ids + 53}}),
              HasSubstr("input_ids holds 61, outside the vocabulary of 61 (0 to 60)"));
  EXPECT_THAT(refusal({{"input_ids", ids - 2}}),
              HasSubstr("input_ids holds -1, which is negative"));
  EXPECT_THAT(refusal({{"input_ids", torch::zeros({1, 25}, torch::kInt64)}}),
              HasSubstr("input_ids has 25 tokens a row, but the model's context is 24"));
}

TEST_F(ForwardTest, RefusesMasksAndPositionsThatDoNotFitTheIds) {
  const auto with = [&](const char* name, const torch::Tensor& tensor) {
    return refusal({{"input_ids", ids}, {name, tensor}});
  };
  EXPECT_THAT(with("attention_mask", torch::ones({2, 3}, torch::kInt64)),
              HasSubstr("attention_mask has shape [2, 3], but must have [2, 4]"));
  EXPECT_THAT(with("attention_mask", torch::ones({2, 4})), HasSubstr("must be BOOL, I32 or I64"));
  EXPECT_THAT(with("attention_mask", 2 * torch::ones({2, 4}, torch::kInt64)),
              HasSubstr("must hold zeros and ones only"));
  EXPECT_THAT(
      with("position_ids", torch::full({1, 4}, 24, torch::kInt64)),
      HasSubstr("position_ids holds 24, outside the model's positions, of which it has 24"));
  EXPECT_THAT(with("position_ids", torch::zeros({1, 3}, torch::kInt64)),
              HasSubstr("position_ids has shape [1, 3], but input_ids [2, 4]"));
}

TEST_F(ForwardTest, PaddingAtTheEndIsHiddenFromEveryLayerAndElsewhereRefusedWhereItWouldCount) {
  GptOptions mixed;
  mixed.vocab_size = 17, mixed.context = 12;
  mixed.layers = mixed.heads = 2, mixed.d_model = 12;
  GptOptions sinks = mixed, blocks = mixed;
  mixed.mixer_pattern = "ssd,softmax";
  sinks.window = 2, sinks.global_tokens = 1;
  blocks.attention_blocks = BlockPattern::kStrided;
  const auto model = folder / "model";
  std::filesystem::create_directory(model);
  for (const auto& [options, why] :
       {std::pair(mixed, "a mixer cannot pass over tokens"),
        std::pair(sinks, "counted from the first"), std::pair(blocks, "counted from the first")}) {
    save_gpt(Gpt(options), model);
    const auto mask = torch::tensor({{1, 1, 1, 1}, {1, 1, 0, 0}});
    ASSERT_EQ(forward({{"input_ids", ids}, {"attention_mask", mask}}, {}, model).exit_code, 0);
    const auto padded = SafetensorsReader(outputs).tensor("logits")[1].narrow(0, 0, 2);
    ASSERT_EQ(forward({{"input_ids", torch::tensor({{5, 6}})}}, {}, model).exit_code, 0);
    const auto alone = SafetensorsReader(outputs).tensor("logits")[0];
    EXPECT_TRUE(torch::allclose(padded, alone, 1e-4, 1e-5)) << why;
    std::filesystem::remove(outputs);
    const auto left = torch::tensor({{1, 1, 1, 1}, {0, 0, 1, 1}});
    EXPECT_THAT(refusal({{"input_ids", ids}, {"attention_mask", left}}, {}, model),
                AllOf(HasSubstr("attention_mask must be ones and then zeros"), HasSubstr(why)));
  }
}

TEST_F(ForwardTest, RefusesModelsAndKernelsThatItDoesNotHave) {
  EXPECT_THAT(refusal({{"input_ids", ids}}, {}, "tests/golden/absent"),
              HasSubstr("config.json: No such file"));
  std::filesystem::create_directory(folder / "bert");
  std::ofstream(folder / "bert" / "config.json")
      << R"({"model_type": "bert", "architectures": ["BertForPreTrainingX"]})";
  EXPECT_THAT(
      refusal({{"input_ids", ids}}, {}, folder / "bert"),
      HasSubstr("architecture \"BertForPreTrainingX\" (model_type \"bert\") is not supported"));
  EXPECT_THAT(refusal({{"input_ids", ids}}, {"--attention", "nonsense"}),
              HasSubstr("flash, decode, torch"));
}

TEST_F(ForwardTest, ImagesAndTextsGiveTheReferencesNamesAndValues) {
  for (const std::string model : {"ViTForImageClassification", "ViTModel", "CLIPModel"}) {
    const auto golden = "tests/golden/vision/" + model;
    const SafetensorsReader io(golden + "/io.safetensors");
    std::map<std::string, torch::Tensor> inputs;
    for (const char* name : {"pixel_values", "input_ids", "attention_mask"})
      if (io.contains(name)) inputs[name] = io.tensor(name);
    const auto result = forward(inputs, {}, golden);
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const SafetensorsReader out(folder / "out.safetensors");
    for (const auto& name : out.names()) {
      if (!io.contains(name)) continue;
      EXPECT_TRUE(torch::allclose(out.tensor(name), io.tensor(name), 1e-4, 1e-5)) << name;
    }
    for (const char* name : {"logits", "pooler_output", "text_embeds", "logits_per_text"})
      EXPECT_EQ(out.contains(name), io.contains(name)) << model << " " << name;
  }
}

TEST_F(ForwardTest, RefusesPixelsThatDoNotFitTheModel) {
  const auto with = [&](const torch::Tensor& pixels) {
    return refusal({{"pixel_values", pixels}}, {}, "tests/golden/vision/ViTForImageClassification");
  };
  EXPECT_THAT(with(torch::ones({1, 3, 8, 8}, torch::kLong)),
              HasSubstr("pixel_values must be floating, got I64"));
  EXPECT_THAT(with(torch::ones({1, 1, 8, 8})),
              HasSubstr("must be [batch, 3, height, width], got shape [1, 1, 8, 8]"));
  EXPECT_THAT(with(torch::ones({3, 8, 8})), HasSubstr("got shape [3, 8, 8]"));
  EXPECT_THAT(with(torch::ones({0, 3, 8, 8})), HasSubstr("pixel_values is empty"));
  EXPECT_THAT(with(torch::ones({1, 3, 8, 2})),
              HasSubstr("pixel_values are 8 x 2, smaller than a patch of 3 x 3"));
}

TEST_F(ForwardTest, ClipTakesOneInputAloneButNotNone) {
  const std::string both = "tests/golden/vision/CLIPModel";
  ASSERT_EQ(forward({{"input_ids", ids}}, {}, both).exit_code, 0);
  EXPECT_THAT(SafetensorsReader(folder / "out.safetensors").names(),
              ::testing::ElementsAre("text_embeds"));
  std::filesystem::remove(folder / "out.safetensors");
  EXPECT_THAT(refusal({}, {}, both), HasSubstr("neither pixel_values nor input_ids"));
  EXPECT_THAT(refusal({{"pixel_values", torch::ones({1, 3, 8, 8})},
                       {"attention_mask", torch::ones({1, 4}, torch::kLong)}},
                      {}, both),
              HasSubstr("attention_mask and position_ids belong to input_ids"));
  EXPECT_THAT(
      refusal({{"input_ids", ids}}, {}, "tests/golden/vision/CLIPVisionModelWithProjection"),
      HasSubstr("unknown input \"input_ids\"; this model takes pixel_values"));
}

TEST_F(ForwardTest, AFullDeviceIsAnErrorAndKeepsItsPlace) {
  outputs = folder / "full";
  if (!testing::make_full_device(outputs)) GTEST_SKIP() << "devices are not allowed here";
  EXPECT_THAT(refusal({{"input_ids", ids}}), HasSubstr("full: No space left on device"));
  EXPECT_TRUE(std::filesystem::is_character_file(outputs));
}

TEST_F(ForwardTest, ExplainsItsOptions) {
  const auto none = testing::run_program("forward", {});
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(none.err, HasSubstr("--model"));
  const auto help = testing::run_program("forward", {"--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.out, HasSubstr("--hidden-states"));
}

}  // namespace
}  // namespace zoo
