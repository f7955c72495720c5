// From labelled files to answers: train_bert's classifying objectives and the program
// `classify_text`. Its values are compared in tests/interop.
#include <gmock/gmock.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/files.h"
#include "models/pretrained/bert/bert_checkpoint.h"
#include "tests/programs/run_program.h"
#include "tests/support/temporary_folder.h"

namespace zoo::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Flags = std::map<std::string, std::string>;

class ClassifyTextTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string texts, words;
    for (int n = 0; n < 20; ++n) {
      texts += "plant\trose lily daisy\nmetal\tiron gold tin\n";
      words += "anna B-PER\nsaw O\nnew B-LOC\nyork I-LOC\n\n";
    }
    write_file(folder_ / "texts.tsv", texts);
    write_file(folder_ / "words.conll", words);
    write_file(folder_ / "plain.txt", "rose lily daisy\niron gold tin\n" + texts);
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  /// A model that trains in no time, or the one to go on from; with these flags.
  ProgramResult train(const std::string& out, Flags flags) const {
    const Flags run = {{"out", path(out)},        {"batch-size", "8"},
                       {"threads", "1"},          {"max-steps", "30"},
                       {"evaluate-every", "10"},  {"schedule-steps", "30"},
                       {"learning-rate", "1e-2"}, {"warmup-steps", "0"}};
    const Flags shape = {{"layers", "1"},
                         {"heads", "2"},
                         {"d-model", "16"},
                         {"context", "16"},
                         {"vocab-size", "60"}};
    flags.insert(run.begin(), run.end());
    if (!flags.contains("init-from")) flags.insert(shape.begin(), shape.end());
    std::vector<std::string> words;
    for (const auto& [name, value] : flags) words.insert(words.end(), {"--" + name, value});
    return run_program("train_bert", words);
  }
  void expect_error(const Flags& flags, int exit_code, const std::string& message) {
    const auto result = train("refused", flags);
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    const auto line = result.err.rfind("train_bert: ");
    ASSERT_NE(line, std::string::npos) << result.err;
    EXPECT_THAT(result.err.substr(line), HasSubstr(message));
    EXPECT_EQ(result.err.find('\n', line), result.err.size() - 1) << result.err;
    EXPECT_FALSE(fs::exists(folder_ / "refused"));
  }
  Flags texts(const Flags& more = {}) const {
    Flags flags = {{"objective", "classify-text"}, {"data", path("texts.tsv")}};
    for (const auto& [name, value] : more) flags[name] = value;
    return flags;
  }
  TemporaryFolder folder_;
};

TEST_F(ClassifyTextTest, LearnsClassesOfTextsFromAMaskedLanguageModel) {
  ASSERT_EQ(train("words", {{"data", path("plain.txt")}, {"max-steps", "2"}}).exit_code, 0);
  const auto tuned =
      train("tuned", texts({{"init-from", path("words")}, {"validation-data", path("texts.tsv")}}));
  ASSERT_EQ(tuned.exit_code, 0) << tuned.err;
  EXPECT_THAT(tuned.out, HasSubstr("new         classifier, pooler: "));
  EXPECT_THAT(tuned.out, HasSubstr("padding     "));
  EXPECT_THAT(tuned.out, HasSubstr("val accuracy 1.0000"));
  EXPECT_THAT(read_bert_config(folder_ / "tuned").labels, ElementsAre("metal", "plant"));
  const auto answer = run_program(
      "classify_text", {"--model", path("tuned"), "--show-ids", "gold iron", "daisy lily"});
  EXPECT_EQ(answer.exit_code, 0) << answer.err;
  EXPECT_THAT(answer.err, HasSubstr("] [CLS] gold iron [SEP]\n"));
  EXPECT_THAT(answer.err, HasSubstr("text 1: ["));
  EXPECT_THAT(answer.err, HasSubstr("text 2: ["));
  EXPECT_EQ(answer.out.find("metal 0."), 0u) << answer.out;
  EXPECT_THAT(answer.out, HasSubstr("\nplant 0."));
}

TEST_F(ClassifyTextTest, GoesOnWithItsOwnHeadAndMeasuresAnotherFile) {
  ASSERT_EQ(train("first", texts()).exit_code, 0);
  const auto more = train("more", texts({{"init-from", path("first")}, {"max-steps", "1"}}));
  EXPECT_EQ(more.exit_code, 0) << more.err;
  EXPECT_THAT(more.out, Not(HasSubstr("new  ")));
  write_file(folder_ / "test.tsv", "plant\tiron\nplant\tiron gold\n");
  const auto measured = run_program(
      "train_bert", {"--evaluate-only", path("first"), "--validation-data", path("test.tsv")});
  EXPECT_EQ(measured.exit_code, 0) << measured.err;
  EXPECT_THAT(measured.out, HasSubstr("val accuracy 0\n"));
}

TEST_F(ClassifyTextTest, ResumedRunEqualsTheWholeOne) {
  ASSERT_EQ(train("whole", texts({{"max-steps", "20"}})).exit_code, 0);
  ASSERT_EQ(train("parts", texts({{"max-steps", "7"}})).exit_code, 0);
  const auto resumed = run_program("train_bert", {"--resume", path("parts"), "--max-steps", "20"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(read_file(folder_ / "whole/last/model.safetensors"),
            read_file(folder_ / "parts/last/model.safetensors"));
}

TEST_F(ClassifyTextTest, TagsWordsAndShowsThem) {
  const auto result =
      train("tags", {{"objective", "classify-tokens"}, {"data", path("words.conll")}});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("val entity_f1 1.0000"));
  const auto answer =
      run_program("classify_text", {"--model", path("tags"), "--json", "anna saw  new york"});
  ASSERT_EQ(answer.exit_code, 0) << answer.err;
  std::vector<std::string> tags;
  for (const auto& word : nlohmann::json::parse(answer.out))
    tags.push_back(word["labels"][0]["label"]);
  EXPECT_THAT(tags, ElementsAre("B-PER", "O", "B-LOC", "I-LOC"));
}

TEST_F(ClassifyTextTest, UnusableDataIsOneLine) {
  write_file(folder_ / "bad.tsv", "plant\trose\nlily\n");
  expect_error(texts({{"data", path("bad.tsv")}}), 1, "bad.tsv line 2: 1 columns");
  write_file(folder_ / "one.tsv", "plant\trose\nplant\tlily\n");
  expect_error(texts({{"data", path("one.tsv")}}), 1, "the only label is 'plant'");
  write_file(folder_ / "new.tsv", "stone\trose\n");
  expect_error(texts({{"validation-data", path("new.tsv")}}), 1, "label 'stone' is none of the 2");
  expect_error(texts({{"data", path("absent.tsv")}}), 1, "no data at");
  write_file(folder_ / "few.tsv", "plant\trose\nmetal\ttin\n");
  expect_error(texts({{"data", path("few.tsv")}}), 1, "is too short");
  expect_error(texts({{"mask-share", "0.3"}}), 2, "--mask-share means nothing to");
  expect_error({{"data", path("plain.txt")}, {"validation-data", path("plain.txt")}}, 2,
               "--validation-data means nothing to");
  expect_error(texts({{"validation-data", path("new.tsv")}, {"validation-share", "0.3"}}), 2,
               "exclude each other");
}

TEST_F(ClassifyTextTest, TheProgramRefusesBadInputInOneLine) {
  ASSERT_EQ(train("run", texts({{"max-steps", "1"}})).exit_code, 0);
  const auto refusal = [](const std::vector<std::string>& arguments, int exit_code) {
    const auto result = run_program("classify_text", arguments);
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    EXPECT_EQ(result.err.find('\n'), result.err.size() - 1) << result.err;
    return result.err;
  };
  EXPECT_THAT(refusal({"text"}, 2), HasSubstr("--model"));
  EXPECT_THAT(refusal({"--model", path("run"), "--top", "0", "a"}, 2), HasSubstr("--top"));
  EXPECT_THAT(refusal({"--model", path("run"), "a\tb\tc"}, 1), HasSubstr("more than one tab"));
  EXPECT_THAT(refusal({"--model", "tests/golden/bert/BertForPreTraining", "a"}, 1),
              HasSubstr("BertForPreTraining"));
}

}  // namespace
}  // namespace zoo::testing
