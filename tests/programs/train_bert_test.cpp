// train_bert as a user runs it: what it leaves behind, and one line for everything that can go
// wrong.
#include <gmock/gmock.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/files.h"
#include "models/pretrained/bert/bert_checkpoint.h"
#include "tests/programs/run_program.h"
#include "tests/support/temporary_folder.h"

namespace zoo::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class TrainBertTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string text;
    for (int n = 0; n < 30; ++n)
      text += "the quick brown fox jumps\n\nover the lazy dog\nand runs away\n";
    write_file(folder_ / "text.txt", text);
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  /// Flags of a model that trains in no time, some of them changed.
  std::vector<std::string> tiny(const std::string& out,
                                const std::map<std::string, std::string>& changes = {}) const {
    std::map<std::string, std::string> flags = {{"data", path("text.txt")},
                                                {"out", path(out)},
                                                {"layers", "1"},
                                                {"heads", "2"},
                                                {"d-model", "16"},
                                                {"context", "16"},
                                                {"vocab-size", "60"},
                                                {"batch-size", "4"},
                                                {"threads", "1"},
                                                {"max-steps", "20"},
                                                {"schedule-steps", "20"},
                                                {"evaluate-every", "10"},
                                                {"warmup-steps", "0"},
                                                {"learning-rate", "1e-2"}};
    for (const auto& [name, value] : changes) flags[name] = value;
    std::vector<std::string> words;
    for (const auto& [name, value] : flags) words.insert(words.end(), {"--" + name, value});
    return words;
  }
  static ProgramResult train(const std::vector<std::string>& flags) {
    return run_program("train_bert", flags);
  }
  void expect_error(const std::map<std::string, std::string>& changes, int exit_code,
                    const std::string& message) {
    const auto result = train(tiny("refused", changes));
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    const auto line = result.err.rfind("train_bert: ");
    ASSERT_NE(line, std::string::npos) << result.err;
    const std::string error = result.err.substr(line);
    EXPECT_THAT(error, HasSubstr(message));
    EXPECT_EQ(error.find('\n'), error.size() - 1) << error;
    EXPECT_FALSE(fs::exists(folder_ / "refused"));
  }
  TemporaryFolder folder_;
};

TEST_F(TrainBertTest, LeavesAModelThatFillMaskUses) {
  const auto result = train(tiny("run"));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("unigram_accuracy"));
  EXPECT_TRUE(load_bert(folder_ / "run")->masked_lm);
  const auto filled =
      run_program("fill_mask", {"--model", path("run"), "--show-ids", "over the [MASK] dog"});
  EXPECT_EQ(filled.exit_code, 0) << filled.err;
  EXPECT_NE(filled.out, "");
  EXPECT_THAT(filled.err, HasSubstr("[MASK] "));
  EXPECT_THAT(filled.err, ::testing::StartsWith("text 1: ["));
}

TEST_F(TrainBertTest, ResumedRunEqualsTheWholeOne) {
  for (const std::string masks : {"--whole-words", "--static-masks"}) {
    const auto run = [&](const std::string& out, const std::string& steps) {
      auto flags = tiny(out + masks, {{"max-steps", steps}});
      flags.push_back(masks);
      return train(flags).exit_code;
    };
    EXPECT_EQ(run("whole", "20"), 0);
    EXPECT_EQ(run("parts", "10"), 0);
    const auto resumed = train({"--resume", path("parts" + masks), "--max-steps", "20"});
    EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
    EXPECT_EQ(read_file(folder_ / ("whole" + masks) / "last/model.safetensors"),
              read_file(folder_ / ("parts" + masks) / "last/model.safetensors"));
  }
}

TEST_F(TrainBertTest, PassesOverWhatItsTokenizerCannotRead) {
  ASSERT_EQ(train(tiny("first", {{"max-steps", "1"}})).exit_code, 0);
  std::string text;
  for (int n = 0; n < 20; ++n) text += "\u2660 \u2661 \u2662 \u2663 \u2660 \u2661 \u2662 \u2663\n";
  const std::string nothing = text;  // words that are all [UNK]: nothing in them is masked
  for (int n = 0; n < 20; ++n) text += "the quick brown fox jumps over the lazy dog\n";
  for (const std::string objective : {"masked-lm", "permuted-lm", "replaced-tokens"}) {
    const bool electra = objective == "replaced-tokens";
    const auto run = [&](const std::string& name, const std::string& data) {
      write_file(folder_ / "mixed.txt", data);
      return train(tiny(objective + name, {{"data", path("mixed.txt")},
                                           {"tokenizer", path("first")},
                                           {"objective", objective},
                                           {"family", electra ? "electra" : "bert"},
                                           {"context", "12"},
                                           {"batch-size", "1"}}));
    };
    const auto learnt = run("-some", text);
    EXPECT_EQ(learnt.exit_code, 0) << learnt.err;
    EXPECT_THAT(learnt.err, HasSubstr("held nothing to learn from and were skipped"));
    const auto unmeasured = run("-unmeasured", text.substr(nothing.size()) + nothing);
    EXPECT_EQ(unmeasured.exit_code, 0) << unmeasured.err;
    EXPECT_THAT(unmeasured.err, HasSubstr("the validation part holds nothing to measure"));
    EXPECT_THAT(unmeasured.out + unmeasured.err, ::testing::Not(HasSubstr("nan")));
    const auto none = run("-none", nothing);
    expect_one_line(none, 1, "train_bert", "held nothing to learn from");
    EXPECT_FALSE(fs::exists(folder_ / (objective + "-none")));
  }
}

TEST_F(TrainBertTest, LearnsPairsOfSentences) {
  const std::vector<std::map<std::string, std::string>> runs = {
      {{"objective", "masked-lm-nsp"}},
      {{"objective", "masked-lm-sop"}, {"family", "albert"}, {"embedding-width", "8"}}};
  for (const auto& flags : runs) {
    const std::string out = flags.at("objective");
    const auto result = train(tiny(out, flags));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(read_file(folder_ / out / "metrics.jsonl"),
                HasSubstr(out.substr(out.size() - 3) + "_accuracy"));
    EXPECT_TRUE(load_bert(folder_ / out)->pair);
  }
}

TEST_F(TrainBertTest, LearnsPermutedWords) {
  const auto result = train(tiny("permuted", {{"objective", "permuted-lm"}}));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(load_bert(folder_ / "permuted")->masked_lm);
}

TEST_F(TrainBertTest, ElectraLeavesADiscriminatorAndAGenerator) {
  const std::map<std::string, std::string> flags = {{"objective", "replaced-tokens"},
                                                    {"family", "electra"},
                                                    {"heads", "4"},
                                                    {"detection-weight", "10"}};
  const auto result = train(tiny("pair", flags));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(load_bert(folder_ / "pair")->replaced);
  EXPECT_EQ(load_bert(folder_ / "pair/generator")->options.bert.d_model, 4);
  const auto filled =
      run_program("fill_mask", {"--model", path("pair/generator"), "over the [MASK] dog"});
  EXPECT_EQ(filled.exit_code, 0) << filled.err;
  const auto measured = train({"--evaluate-only", path("pair")});
  EXPECT_EQ(measured.exit_code, 0) << measured.err;
  EXPECT_THAT(measured.out, HasSubstr("val rtd_auc "));
}

TEST_F(TrainBertTest, ResumedRunsOfOtherObjectivesEqualTheWholeOnes) {
  for (const std::string objective : {"permuted-lm", "replaced-tokens"}) {
    const auto run = [&](const std::string& out, const std::string& steps) {
      return train(tiny(objective + out,
                        {{"max-steps", steps}, {"objective", objective}, {"family", "electra"}}))
          .exit_code;
    };
    EXPECT_EQ(run("-whole", "20"), 0);
    EXPECT_EQ(run("-parts", "7"), 0);
    const auto resumed = train({"--resume", path(objective + "-parts"), "--max-steps", "20"});
    EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
    std::vector<std::string> files = {"model.safetensors"};
    if (objective == "replaced-tokens") files.push_back("generator/model.safetensors");
    for (const auto& file : files) {
      EXPECT_EQ(read_file(folder_ / (objective + "-whole") / "last" / file),
                read_file(folder_ / (objective + "-parts") / "last" / file));
    }
  }
}

TEST_F(TrainBertTest, TrainsEveryFamilyOnMaskedWordsAndMeasuresIt) {
  for (const std::string family : {"roberta", "electra"}) {
    EXPECT_EQ(train(tiny(family, {{"family", family}, {"max-steps", "2"}})).exit_code, 0);
    const auto measured = train({"--evaluate-only", path(family)});
    EXPECT_EQ(measured.exit_code, 0) << measured.err;
    EXPECT_THAT(measured.out, HasSubstr("val accuracy "));
  }
}

TEST_F(TrainBertTest, WrongUsageAndUnusableTextAreOneLine) {
  expect_error({{"mask-share", "0"}}, 2, "--mask-share must be in (0, 1)");
  expect_error({{"batch-size", "0"}}, 2, "--batch-size must be");
  expect_error({{"validation-share", "1"}}, 2, "--validation-share must be");
  expect_error({{"validation-share", "nan"}}, 2, "--validation-share");
  expect_error({{"mask-share", "nan"}}, 2, "--mask-share");
  expect_error({{"layers", "2147483647"}}, 2, "of memory, but");
  expect_error({{"objective", "guess"}}, 2, "masked-lm-nsp");
  expect_error({{"objective", "masked-lm-nsp"}, {"family", "roberta"}}, 2, "needs --family bert");
  expect_error({{"objective", "masked-lm-nsp"}, {"segments", "1"}}, 2, "--segments 2");
  expect_error({{"objective", "replaced-tokens"}}, 2, "needs --family electra");
  expect_error({{"generator-share", "0.5"}}, 2, "choose --objective replaced-tokens");
  expect_error({{"generator-share", "0"}}, 2, "--generator-share must be in (0, 1]");
  expect_error({{"context", "4"}}, 2, "--context must be 8 or more");
  expect_error({{"tokenizer", "nowhere"}}, 2, "--tokenizer nowhere: no such folder");
  expect_error({{"data", path("nowhere.txt")}}, 1, "no data at");
  write_file(folder_ / "text.txt", "the lazy dog\n");
  expect_error({{"validation-share", "0.5"}}, 1, "is too short");
}

}  // namespace
}  // namespace zoo::testing
