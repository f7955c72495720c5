// train_transformer and translate as a user runs them: what a run leaves, and one line for
// everything that can go wrong.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/files.h"
#include "models/pretrained/format/safetensors.h"
#include "tests/programs/run_program.h"
#include "tests/support/temporary_folder.h"

namespace zoo::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class TrainTransformerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string english, french;
    for (int n = 0; n < 30; ++n) {
      english += "one two three\ntwo one\nthree three " + std::string(n % 3 + 1, 'a') + "\n";
      french += "trois deux un\nun deux\n" + std::string(n % 3 + 1, 'b') + " trois trois\n";
    }
    write_file(folder_ / "pairs.en", english);
    write_file(folder_ / "pairs.fr", french);
  }
  /// Flags of a run that trains in no time on pairs of characters, some of them changed; an empty
  /// value leaves a flag out.
  std::vector<std::string> tiny(const std::string& out,
                                const std::map<std::string, std::string>& changes = {}) const {
    std::map<std::string, std::string> flags = {{"data", (folder_ / "pairs").string()},
                                                {"validation-data", (folder_ / "pairs").string()},
                                                {"out", (folder_ / out).string()},
                                                {"tokenizer", "character"},
                                                {"encoder-layers", "1"},
                                                {"decoder-layers", "1"},
                                                {"heads", "2"},
                                                {"d-model", "8"},
                                                {"context", "32"},
                                                {"threads", "1"},
                                                {"batch-tokens", "100"},
                                                {"max-steps", "4"},
                                                {"schedule-steps", "8"},
                                                {"evaluate-every", "2"},
                                                {"decode-pairs", "3"}};
    for (const auto& [name, value] : changes) flags[name] = value;
    std::vector<std::string> words;
    for (const auto& [name, value] : flags)
      if (!value.empty()) words.insert(words.end(), {"--" + name, value});
    return words;
  }
  static void expect_error(const std::string& program, const std::vector<std::string>& flags,
                           int exit_code, const std::string& message) {
    const auto result = run_program(program, flags);
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    const auto line = result.err.rfind(program + ": ");
    ASSERT_NE(line, std::string::npos) << result.err;
    const std::string error = result.err.substr(line);
    EXPECT_THAT(error, HasSubstr(message));
    EXPECT_EQ(error.find('\n'), error.size() - 1) << error;
  }
  TemporaryFolder folder_;
};

TEST_F(TrainTransformerTest, LeavesARunThatTranslateReads) {
  for (const std::string architecture : {"transformer", "recurrent"}) {
    const auto result = run_program(
        "train_transformer",
        tiny(architecture, {{"architecture", architecture},
                            {"heads", architecture == "recurrent" ? "" : "2"},
                            {"decoder-layers", architecture == "recurrent" ? "" : "1"}}));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr("5 pairs; dropped 85 twice"));
    for (const char* file : {"config.json", "generation_config.json", "model.safetensors",
                             "tokenizer.json", "report.html"})
      EXPECT_TRUE(fs::exists(folder_ / architecture / file)) << file;
    const std::string model = (folder_ / architecture).string();
    const auto made =
        run_program("translate", {"--model", model, "--json", "--num-beams", "2",
                                  "--num-return-sequences", "2", "one two", "", "unseen ✓ text"});
    EXPECT_EQ(made.exit_code, 0) << made.err;
    EXPECT_EQ(std::count(made.out.begin(), made.out.end(), '\n'), 6);
    const auto first = nlohmann::json::parse(made.out.substr(0, made.out.find('\n')));
    EXPECT_EQ(first["source"], "one two");
    EXPECT_LT(first["score"].get<double>(), 0.0);
    const auto shown =
        run_program("translate", {"--model", model, "--show-ids", "--threads", "1", "one"});
    EXPECT_THAT(shown.err, HasSubstr("translate: from generation_config.json: eos_token_id"));
    EXPECT_THAT(shown.err, HasSubstr("num_beams 4"));
    EXPECT_THAT(shown.err, HasSubstr("source 1: ["));
    EXPECT_THAT(shown.err, HasSubstr(" </s>\n"));
    const auto forced = run_program(
        "translate", {"--model", model, "--num-beams", "3", "--force-words", "eux", "two"});
    EXPECT_EQ(forced.exit_code, 0) << forced.err;
    EXPECT_THAT(forced.out, HasSubstr("eux"));
    const auto cut = run_program("translate", {"--model", model, std::string(60, 'o')});
    EXPECT_EQ(cut.exit_code, 0) << cut.err;
    EXPECT_THAT(cut.err, HasSubstr("1 text was longer than the model's 32 tokens"));
  }
}

TEST_F(TrainTransformerTest, ForwardRunsTheRecurrentKind) {
  EXPECT_EQ(
      run_program(
          "train_transformer",
          tiny("lstm", {{"architecture", "recurrent"}, {"heads", ""}, {"decoder-layers", ""}}))
          .exit_code,
      0);
  const auto ids = torch::randint(10, {2, 5}, torch::kLong);
  auto mask = torch::ones({2, 5}, torch::kLong);
  const auto forward = [&] {
    write_safetensors(folder_ / "in.safetensors",
                      {{"input_ids", ids}, {"decoder_input_ids", ids}, {"attention_mask", mask}});
    return run_program("forward", {"--model", (folder_ / "lstm").string(), "--inputs",
                                   (folder_ / "in.safetensors").string(), "--outputs",
                                   (folder_ / "out.safetensors").string()});
  };
  mask[1][4] = 0;
  const auto done = forward();
  EXPECT_EQ(done.exit_code, 0) << done.err;
  const SafetensorsReader out(folder_ / "out.safetensors");
  EXPECT_EQ(out.tensor("logits").sizes(), (std::vector<int64_t>{2, 5, 20}));
  mask[1][2] = 0;
  const auto refused = forward();
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("attention_mask must be ones and then zeros"));
}

TEST_F(TrainTransformerTest, ResumedRunEqualsTheWholeOne) {
  EXPECT_EQ(run_program("train_transformer", tiny("whole", {{"max-steps", "8"}})).exit_code, 0);
  EXPECT_EQ(run_program("train_transformer", tiny("parts")).exit_code, 0);
  const auto resumed = run_program("train_transformer",
                                   {"--resume", (folder_ / "parts").string(), "--max-steps", "8"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(read_file(folder_ / "whole/last/model.safetensors"),
            read_file(folder_ / "parts/last/model.safetensors"));
}

TEST_F(TrainTransformerTest, FurtherTrainingKeepsShapeAndVocabulary) {
  EXPECT_EQ(run_program("train_transformer", tiny("first")).exit_code, 0);
  const std::string first = (folder_ / "first").string();
  const auto tuned = run_program(
      "train_transformer", {"--init-from", first, "--out", (folder_ / "tuned").string(), "--data",
                            (folder_ / "pairs").string(), "--validation-data", "", "--max-steps",
                            "2", "--threads", "1", "--dropout", "0.3"});
  EXPECT_EQ(tuned.exit_code, 0) << tuned.err;
  const auto config = nlohmann::json::parse(read_file(folder_ / "tuned/config.json"));
  EXPECT_EQ(config["d_model"], 8);
  EXPECT_EQ(config["dropout"], 0.3);
  expect_error("train_transformer",
               {"--init-from", first, "--d-model", "16", "--out", (folder_ / "x").string()}, 2,
               "--d-model cannot be changed");
  expect_error(
      "train_transformer",
      {"--init-from", first, "--architecture", "recurrent", "--out", (folder_ / "x").string()}, 2,
      "--architecture cannot be changed");
}

TEST_F(TrainTransformerTest, ATranslationDoesNotDependOnItsBatch) {
  ASSERT_EQ(run_program("train_transformer", tiny("run")).exit_code, 0);
  std::string texts;  // to an untrained model no text ends: its limit alone ends it
  for (const size_t length : {1, 3, 4, 9, 10, 14, 20, 26}) texts += std::string(length, 'o') + "\n";
  write_file(folder_ / "texts", texts);
  for (const std::string beams : {"1", "3"}) {
    const auto translate = [&](const std::string& batch) {
      return run_program("translate", {"--model", (folder_ / "run").string(), "--file",
                                       (folder_ / "texts").string(), "--num-beams", beams,
                                       "--batch-size", batch, "--threads", "1"});
    };
    const auto alone = translate("1"), together = translate("8");
    ASSERT_EQ(alone.exit_code, 0) << alone.err;
    EXPECT_EQ(alone.out, together.out);
  }
}

TEST_F(TrainTransformerTest, AnotherTokenizerIsTakenOrRefused) {
  ASSERT_EQ(run_program("train_transformer", tiny("run")).exit_code, 0);
  auto flags =
      tiny("second", {{"init-from", (folder_ / "run").string()}, {"tokenizer", "byte-bpe"}});
  expect_error("train_transformer", flags, 2, "cannot be trained anew");
}

TEST_F(TrainTransformerTest, ATaskNeedsNoData) {
  const auto result = run_program("train_transformer", tiny("copy", {{"task", "copy"},
                                                                     {"task-length", "6"},
                                                                     {"task-examples", "200"},
                                                                     {"task-validation", "20"},
                                                                     {"data", ""},
                                                                     {"tokenizer", ""},
                                                                     {"validation-data", ""}}));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("val exact_match"));
}

TEST_F(TrainTransformerTest, WhatCannotBeIsOneLine) {
  const auto refused = [&](const std::map<std::string, std::string>& changes, int exit_code,
                           const std::string& message) {
    expect_error("train_transformer", tiny("refused", changes), exit_code, message);
    EXPECT_FALSE(fs::exists(folder_ / "refused"));
  };
  refused({{"heads", "3"}}, 2, "--d-model must be a multiple of --heads, got 8 and 3");
  refused({{"encoder-layers", "2147483647"}}, 2, "of memory, but");
  refused({{"batch-tokens", "0"}}, 2, "--batch-tokens must be 1 or more, got 0");
  refused({{"task", "sort"}, {"task-length", "0"}}, 2, "--task-length must be 1 or more");
  refused({{"task", "sort"}}, 2, "--data means nothing to --task");
  refused({{"task-length", "3"}}, 2, "--task-length means nothing without --task");
  refused({{"tokenizer", "nonsense"}}, 2, "--tokenizer nonsense: no such folder, and");
  refused({{"source", "de"}}, 1, "pairs.de'; name a .tsv, or the beginning of two files");
  refused({{"architecture", "recurrent"}, {"d-model", "7"}}, 2, "--d-model must be even");
  refused({{"architecture", "recurrent"}, {"decoder-layers", ""}}, 2,
          "--heads means nothing to --architecture recurrent");
  write_file(folder_ / "bad.tsv", "one\tun\ntwo deux\n");
  refused({{"data", (folder_ / "bad.tsv").string()}}, 1, "bad.tsv line 2: no tab");
  write_file(folder_ / "pairs.fr", "un\n");
  refused({}, 1, "line i of one must be the translation of line i of the other");
}

TEST_F(TrainTransformerTest, TranslateRefusesInOneLine) {
  expect_error("translate", {"--model", (folder_ / "none").string(), "x"}, 1, "there is no folder");
  expect_error("translate", {"--model", "x", "--num-beams", "0", "x"}, 2,
               "--num-beams must be at least 1");
  expect_error("translate", {"--model", "x", "--batch-size", "0", "x"}, 2,
               "--batch-size must be 1 or more");
  expect_error("translate", {"--model", "x", "--num-beams", "1", "--force-words", "a", "x"}, 2,
               "--force-words is for beam search");
  expect_error("translate", {"--model", "tests/golden/gpt2", "x"}, 1,
               "a checkpoint of another family (model_type \"gpt2\")");
}

}  // namespace
}  // namespace zoo::testing
