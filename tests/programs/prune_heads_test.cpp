// The program `prune_heads`: what it prints and writes, what other programs make of that folder,
// and bad input in one line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "base/files.h"
#include "models/pretrained/gpt/gpt_checkpoint.h"
#include "models/pretrained/transformer/transformer_checkpoint.h"
#include "tests/programs/letter_gpt.h"
#include "tests/programs/run_program.h"
#include "tests/support/temporary_folder.h"
#include "tokenizers/character.h"

namespace zoo {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;
using testing::run_program;
using Words = std::vector<std::string>;

class PruneHeadsTest : public ::testing::Test {
 protected:
  PruneHeadsTest() : letters_(testing::letters()) {
    testing::save_letter_gpt(gpt(), {.eos = {1}});
    fs::create_directory(gpt() / "trainer_state");
    write_file(gpt() / "trainer_state" / "step", "3");
    write_file(gpt() / "generation_config.json", "{}");
  }
  fs::path gpt() const { return folder_ / "gpt"; }
  fs::path out() const { return folder_ / "out"; }
  testing::ProgramResult prune(Words more) const {
    more.insert(more.begin(), {"--model", gpt().string(), "--threads", "1"});
    return run_program("prune_heads", more);
  }
  json pruned(Words more) const {
    more.insert(more.end(), {"--out", out().string(), "--json"});
    const auto result = prune(more);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return json::parse(result.out, nullptr, /*allow_exceptions=*/false);
  }
  void works(const std::string& program, Words words) const {
    words.insert(words.end(), {"--threads", "1"});
    const auto result = run_program(program, words);
    EXPECT_EQ(result.exit_code, 0) << program << ": " << result.err;
  }
  CharacterTokenizer letters_;
  testing::TemporaryFolder folder_;
};

TEST_F(PruneHeadsTest, SaysWhatItCostAndWritesASmallerFolder) {
  const auto result =
      prune({"--heads", "0:1,3 1:2", "--text", "abcabcab", "--out", out().string()});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  for (const char* part : {"removed: 0:1,3 1:2", "before", "ratio", "heads", "8", "5", "0.625",
                           "parameters", "loss (nats)", "forward (ms)", "examples/open_pruned.py"})
    EXPECT_THAT(result.out, HasSubstr(part));
  const auto config = json::parse(read_file(out() / "config.json"));
  EXPECT_EQ(config["pruned_heads"], json::parse(R"({"0": [1, 3], "1": [2]})"));
  EXPECT_EQ(config["zoo"]["pruned-heads"], "0:1,3 1:2");
  EXPECT_EQ(config["eos_token_id"], 1);
  EXPECT_LT(fs::file_size(out() / "model.safetensors"), fs::file_size(gpt() / "model.safetensors"));
  EXPECT_TRUE(fs::exists(out() / "generation_config.json"));
  EXPECT_FALSE(fs::exists(out() / "trainer_state"));
}

TEST_F(PruneHeadsTest, NumbersAreThoseOfTheModels) {
  const json said = pruned({"--heads", "0:0 1:1", "--text", "abcabcab"});
  EXPECT_EQ(said["removed"], "0:0 1:1");
  EXPECT_EQ(said["before"]["heads"], 8);
  EXPECT_EQ(said["after"]["heads"], 6);
  // A head 4 wide: rows of queries, keys and values with their biases, columns of the output.
  const bool biased = load_gpt(gpt())->options.attention_bias;
  const int64_t of_a_head = 4 * 4 * 16 + (biased ? 3 * 4 : 0);
  EXPECT_EQ(
      said["before"]["parameters"].get<int64_t>() - said["after"]["parameters"].get<int64_t>(),
      2 * of_a_head);
  EXPECT_NE(said["before"]["loss"], said["after"]["loss"]);
  EXPECT_GT(said["after"]["seconds"], 0.0);
  const auto heads = run_program("look_inside", {"heads", "--model", out().string(), "--text",
                                                 "abcabcab", "--threads", "1", "--json"});
  EXPECT_NEAR(json::parse(heads.out)["loss"].get<double>(), said["after"]["loss"].get<double>(),
              1e-5);
}

TEST_F(PruneHeadsTest, EveryProgramOpensTheFolder) {
  pruned({"--heads", "0:1,3 1:2"});
  const std::string model = out().string(), text = "abcab";
  works("generate", {"--model", model, "ab", "--max-new-tokens", "6"});
  works("attention_map", {"--model", model, "--text", text, "--out", folder_ / "map"});
  for (const char* verb : {"heads", "lens"})
    works("look_inside", {verb, "--model", model, "--text", text, "--out", folder_ / verb});
  works("look_inside", {"induction", "--model", model, "--length", "4", "--out", folder_ / "two"});
  const auto inspected = run_program("inspect", {model, "--json"});
  EXPECT_EQ(inspected.exit_code, 0) << inspected.err;
  EXPECT_EQ(inspected.out.find("tensors hold"), std::string::npos)
      << "config.json fits the tensors";
  // Its heads are counted anew.
  const auto again = run_program("prune_heads", {"--model", model, "--heads", "0:1", "--out",
                                                 (folder_ / "again").string(), "--threads", "1"});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(load_gpt(folder_ / "again")->options.pruned_heads, "0:1,2,3 1:2");
}

TEST_F(PruneHeadsTest, TrainingGoesOnFromTheFolder) {
  pruned({"--heads", "0:1,3"});
  std::string text;
  for (int n = 0; n < 100; ++n) text += "bcd abc dba cab ";
  write_file(folder_ / "text", text);
  const std::string run = folder_ / "run";
  works("train_gpt", {"--init-from", out().string(), "--data", folder_ / "text", "--out", run,
                      "--max-steps", "2", "--batch-size", "2", "--device", "cpu"});
  EXPECT_EQ(load_gpt(run)->options.pruned_heads, "0:1,3");
  works("train_gpt", {"--resume", run, "--max-steps", "3"});
  const auto refused =
      run_program("train_gpt", {"--init-from", out().string(), "--data", folder_ / "text",
                                "--pruned-heads", "0:1", "--out", folder_ / "other"});
  testing::expect_one_line(refused, 2, "train_gpt", "--pruned-heads cannot be changed");
}

TEST_F(PruneHeadsTest, TheMostImportantHeadsStay) {
  for (const char* by : {"ablation", "gradient"}) {
    const json said = pruned({"--keep", "0.5", "--by", by, "--text", "abcabcab"});
    EXPECT_EQ(said["after"]["heads"], 4) << by;
    fs::remove_all(out());
  }
}

TEST_F(PruneHeadsTest, BadInputIsOneLineAndLeavesNothing) {
  const std::vector<std::tuple<Words, int, std::string>> cases = {
      {{}, 2, "name the heads with --heads, or how many stay with --keep"},
      {{"--heads", "0:1", "--keep", "0.5"}, 2, "name the heads with --heads"},
      {{"--keep", "1.5", "--text", "abc"}, 2, "--keep must be between 0 and 1, got 1.5"},
      {{"--keep", "0.5", "--by", "luck", "--text", "abc"}, 2, "--by must be ablation or gradient"},
      {{"--heads", "0:1", "--by", "gradient"}, 2, "--by goes with --keep"},
      {{"--keep", "0.5"}, 2, "nothing to look at"},
      {{"--heads", "2:0"}, 1, "there is no layer 2"},
      {{"--heads", "0:9"}, 1, "there is no head 9"},
      {{"--heads", "0:0,1,2,3"}, 1, "at least one must stay"},
      {{"--heads", "0:1,1"}, 1, "twice"},
      {{"--heads", "all"}, 1, "LAYER:HEAD,HEAD"},
      {{"--heads", ""}, 1, "no heads to remove"},
      {{"--keep", "0.99", "--text", "abc"}, 1, "no heads to remove"}};
  for (auto [words, code, text] : cases) {
    words.insert(words.end(), {"--out", out().string()});
    testing::expect_one_line(prune(words), code, "prune_heads", text);
    EXPECT_FALSE(fs::exists(out())) << text;
  }
  fs::create_directory(out());
  write_file(out() / "mine", "");
  testing::expect_one_line(prune({"--heads", "0:1", "--out", out().string()}), 1, "prune_heads",
                           "name a new folder");
  testing::expect_one_line(prune({"--heads", "0:1", "--out", gpt().string()}), 1, "prune_heads",
                           "name a new folder");
  EXPECT_TRUE(fs::exists(gpt() / "model.safetensors"));
}

TEST_F(PruneHeadsTest, AnEncoderDecoderLosesHeadsOfThreeKinds) {
  const fs::path model = folder_ / "pair";
  fs::create_directory(model);
  TransformerOptions o = TransformerOptions::tiny();
  o.heads = 4;
  o.vocab_size = letters_.vocab_size();
  o.context = 12;
  save_transformer(Transformer(o), model, {.eos = {1}, .pad = 0, .decoder_start = 0});
  letters_.save(model);
  const auto result =
      run_program("prune_heads", {"--model", model.string(), "--heads",
                                  "encoder.0:1 decoder.0:0,2 cross.0:3", "--source", "abc",
                                  "--target", "cab", "--out", out().string(), "--threads", "1"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto config = json::parse(read_file(out() / "config.json"));
  EXPECT_EQ(config["encoder_pruned_heads"], json::parse(R"({"0": [1]})"));
  EXPECT_EQ(config["decoder_pruned_heads"], json::parse(R"({"0": [0, 2]})"));
  EXPECT_EQ(config["cross_pruned_heads"], json::parse(R"({"0": [3]})"));
  works("attention_map", {"--model", out().string(), "--source", "abc", "--target", "cab", "--out",
                          folder_ / "map"});
}

}  // namespace
}  // namespace zoo
