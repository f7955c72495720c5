// A folder for the checkpoint of a small GPT.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "models/pretrained/gpt/gpt_checkpoint.h"
#include "tests/models/pretrained/safetensors_bytes.h"
#include "tests/support/temporary_folder.h"

namespace zoo::testing {

class GptFolderTest : public ::testing::Test {
 protected:
  static GptOptions small() {
    GptOptions options;
    options.vocab_size = 11;
    options.context = 8;
    options.layers = 2;
    options.d_model = 12;
    options.heads = 3;
    return options;
  }
  /// Weights, logits and options must survive the folder; not `exact`: but for rounding.
  void expect_round_trip(const GptOptions& options, bool exact = true) {
    torch::manual_seed(5);
    Gpt model(options);
    for (auto& parameter : model->parameters()) parameter.detach().normal_(0.0, 0.3);
    model->eval();
    save_gpt(model, folder.path());
    Gpt loaded = load_gpt(folder.path());
    EXPECT_EQ(gpt_config_to_json({.options = loaded->options, .layout = GptLayout::kZoo}, ""),
              gpt_config_to_json({.options = model->options, .layout = GptLayout::kZoo}, ""));
    const auto ids = torch::arange(8).unsqueeze(0);
    const auto logits = loaded->forward(ids), wanted = model->forward(ids);
    EXPECT_TRUE(exact ? torch::equal(logits, wanted) : torch::allclose(logits, wanted, 1e-4, 1e-5));
  }
  std::string refusal() {
    try {
      load_gpt(folder.path());
    } catch (const std::exception& error) {
      EXPECT_THAT(error.what(), ::testing::Not(::testing::HasSubstr("\n")));
      return error.what();
    }
    return "";
  }
  nlohmann::json config() {
    std::ifstream in(folder / "config.json");
    return nlohmann::json::parse(in);
  }
  void write_config(const nlohmann::json& json) {
    write_bytes(folder / "config.json", json.dump());
  }
  TemporaryFolder folder;
  torch::NoGradGuard no_grad;
};

}  // namespace zoo::testing
