// train_gpt --task: a decoder that answers questions made up by the program itself.
#include <gmock/gmock.h>

#include <filesystem>

#include "base/files.h"
#include "tests/programs/run_program.h"
#include "tests/support/temporary_folder.h"

namespace zoo::testing {
namespace {

using ::testing::HasSubstr;

class TrainGptTaskTest : public ::testing::Test {
 protected:
  std::vector<std::string> tiny(const std::string& out, const Flags& changes = {}) const {
    return flag_words({{"task", "copy"},
                       {"task-length", "3"},
                       {"task-min-length", "1"},
                       {"task-classes", "4"},
                       {"task-examples", "300"},
                       {"task-validation", "4"},
                       {"out", (folder_ / out).string()},
                       {"layers", "2"},
                       {"heads", "2"},
                       {"d-model", "16"},
                       {"context", "7"},
                       {"batch-size", "32"},
                       {"threads", "1"},
                       {"residual-dropout", "0"},
                       {"max-steps", "4"},
                       {"schedule-steps", "8"},
                       {"evaluate-every", "2"}},
                      changes);
  }
  static ProgramResult train(const std::vector<std::string>& flags) {
    return run_program("train_gpt", flags);
  }
  void refused(const Flags& changes, const std::string& message) const {
    expect_one_line(train(tiny("run", changes)), 2, "train_gpt", message);
    EXPECT_FALSE(std::filesystem::exists(folder_ / "run"));
  }
  TemporaryFolder folder_;
};

TEST_F(TrainGptTaskTest, QuestionsHaveNoSegmentMemory) {
  refused({{"position", "t5"}, {"memory", "4"}}, "--memory needs a running text");
}

TEST_F(TrainGptTaskTest, LearnsToAnswerAndGenerateAnswersAsItWasMeasured) {
  const auto trained = train(tiny("run", {{"max-steps", "250"},
                                          {"schedule-steps", "250"},
                                          {"evaluate-every", "250"},
                                          {"learning-rate", "1e-2"},
                                          {"warmup-steps", "20"}}));
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_THAT(trained.out, HasSubstr("exact_match 1.0000"));
  EXPECT_THAT(trained.out, HasSubstr("300 questions"));
  const auto answer = run_program(
      "generate", {"--model", (folder_ / "run").string(), "--temperature", "0", "213=", "3="});
  EXPECT_EQ(answer.exit_code, 0) << answer.err;
  EXPECT_THAT(answer.out, HasSubstr("213=213"));
  EXPECT_THAT(answer.out, HasSubstr("3=3"));
}

TEST_F(TrainGptTaskTest, APrefixModelAnswersAsItWasTrained) {
  auto flags = tiny("run", {{"max-steps", "250"},
                            {"schedule-steps", "250"},
                            {"evaluate-every", "250"},
                            {"learning-rate", "1e-2"},
                            {"warmup-steps", "20"}});
  flags.emplace_back("--prefix-lm");
  const auto trained = train(flags);
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_THAT(trained.out, HasSubstr("exact_match 1.0000"));
  const auto answer = run_program(
      "generate", {"--model", (folder_ / "run").string(), "--temperature", "0", "213=", "3="});
  EXPECT_EQ(answer.exit_code, 0) << answer.err;
  EXPECT_THAT(answer.out, HasSubstr("213=213"));
  EXPECT_THAT(answer.out, HasSubstr("3=3"));
  expect_one_line(run_program("train_gpt", {"--prefix-lm", "--data", "text.txt"}), 2, "train_gpt",
                  "--prefix-lm needs a --task");
}

TEST_F(TrainGptTaskTest, ResumedRunEqualsTheWholeOne) {
  ASSERT_EQ(train(tiny("whole", {{"max-steps", "8"}})).exit_code, 0);
  ASSERT_EQ(train(tiny("parts")).exit_code, 0);
  const auto resumed = train({"--resume", (folder_ / "parts").string(), "--max-steps", "8"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(read_file(folder_ / "whole/last/model.safetensors"),
            read_file(folder_ / "parts/last/model.safetensors"));
}

TEST_F(TrainGptTaskTest, GoesOnWithAnotherTaskOfTheSameSymbols) {
  ASSERT_EQ(train(tiny("first")).exit_code, 0);
  const auto second =
      train({"--init-from", (folder_ / "first").string(), "--task", "reverse", "--task-length", "3",
             "--task-classes", "4", "--task-validation", "4", "--out",
             (folder_ / "second").string(), "--max-steps", "2", "--threads", "1"});
  EXPECT_EQ(second.exit_code, 0) << second.err;
  const auto foreign = train({"--init-from", (folder_ / "first").string(), "--task", "copy",
                              "--task-length", "3", "--task-classes", "5", "--task-validation", "4",
                              "--out", (folder_ / "third").string()});
  expect_one_line(foreign, 1, "train_gpt", "'4'");
}

TEST_F(TrainGptTaskTest, WhatCannotBeIsOneLine) {
  refused({{"context", "6"}}, "--context must be 7 or more");
  refused({{"task", "add"}, {"task-classes", ""}, {"context", "11"}},
          "--context must be 12 or more");
  refused({{"task-examples", "9999999999999"}}, "--task-examples must be 1 to 10000000");
  refused({{"data", "text.txt"}}, "--data means nothing to --objective answers");
  refused({{"tokenizer", "sentencepiece-bpe"}}, "--tokenizer means nothing to --task");
  refused({{"sample-tokens", "5"}}, "--sample-tokens means nothing to --objective answers");
  refused({{"task", ""}}, "choose --objective answers");
  refused({{"task", ""}, {"objective", "answers"}}, "--objective answers needs a --task");
  refused({{"objective", "questions"}}, "known are: next-token, answers");
  refused({{"task", "divide"}}, "known are: none, copy, reverse, sort, add");
  refused({{"task-validation", "0"}, {"patience", "1"}}, "--task-validation above 0");
}

}  // namespace
}  // namespace zoo::testing
