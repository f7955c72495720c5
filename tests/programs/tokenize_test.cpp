// The programs `train_tokenizer` and `tokenize`: lines, flags on either side of the verb, bad
// input.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/programs/run_program.h"
#include "tests/support/temporary_folder.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using testing::ProgramResult;
using testing::run_program;
using ::testing::StartsWith;

/// A character tokenizer of "\n ab<é", so that its ids are known: 0 to 5.
class TokenizeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::ofstream(folder_ / "text.txt") << "a b\n<\xC3\xA9";
    const ProgramResult trained = train({"--kind", "character", "--out", tokenizer_});
    ASSERT_EQ(trained.exit_code, 0) << trained.err;
    EXPECT_THAT(trained.out, StartsWith("character: 6 ids in "));
  }
  ProgramResult train(std::vector<std::string> arguments) const {
    arguments.push_back((folder_ / "text.txt").string());
    return run_program("train_tokenizer", arguments);
  }
  ProgramResult tokenize(std::vector<std::string> arguments, const std::string& input) const {
    return run_program("tokenize", arguments, {.input = input});
  }

  testing::TemporaryFolder folder_;
  std::string tokenizer_ = (folder_ / "tokenizer").string();
};

TEST_F(TokenizeTest, EncodesOneLineAsOneArrayWithFlagsOnEitherSide) {
  const std::string lines = "ab\n\n\xC3\xA9 a";  // an empty line, and no line feed at the end
  EXPECT_EQ(tokenize({"--tokenizer", tokenizer_, "encode"}, lines).out, "[3, 4]\n[]\n[5, 1, 3]\n");
  EXPECT_EQ(tokenize({"encode", "--tokenizer", tokenizer_}, "").out, "");
}

TEST_F(TokenizeTest, DecodesWhatItEncoded) {
  EXPECT_EQ(tokenize({"decode", "--tokenizer", tokenizer_}, "[3, 4]\n[]\n").out, "ab\n\n");
}

TEST_F(TokenizeTest, JsonCarriesLineFeedsBothWays) {
  EXPECT_EQ(tokenize({"--json", "--tokenizer", tokenizer_, "encode"}, "\"a\\nb\"\n").out,
            "[3, 0, 4]\n");
  EXPECT_EQ(tokenize({"--tokenizer", tokenizer_, "decode", "--json"}, "[3, 0, 5]\n").out,
            "\"a\\n\\u00e9\"\n");
}

TEST_F(TokenizeTest, SpecialTokensAreAddedSkippedAndReadAsFlagsSay) {
  std::ofstream text(folder_ / "text.txt");
  for (int i = 0; i < 300; ++i) text << "abc" << i * 7919 % 1000 << " <s>\n";
  text.close();
  const std::string bpe = (folder_ / "bpe").string();
  const ProgramResult trained =
      train({"--kind", "sentencepiece-bpe", "--vocab-size", "300", "--out", bpe});
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_EQ(tokenize({"--tokenizer", bpe, "encode", "--special"}, "\n<s>\n").out,
            "[1, 2]\n[1, 1, 2]\n");
  EXPECT_THAT(tokenize({"--tokenizer", bpe, "encode", "--plain"}, "<s>\n").out,
              ::testing::Not(HasSubstr("[1]")));
  EXPECT_EQ(tokenize({"--tokenizer", bpe, "decode"}, "[1, 2]\n").out, "<s></s>\n");
  EXPECT_EQ(tokenize({"--tokenizer", bpe, "decode", "--skip-special"}, "[1, 2]\n").out, "\n");
}

TEST_F(TokenizeTest, BadLinesAreNamedAfterTheGoodOnesArePrinted) {
  const auto unknown = tokenize({"--tokenizer", tokenizer_, "encode"}, "ab\naz\n");
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_EQ(unknown.out, "[3, 4]\n");
  EXPECT_THAT(unknown.err,
              HasSubstr("tokenize: line 2: character tokenizer: 'z' (U+007A) at byte 1"));
  const auto complaint = [&](const std::string& line) {
    return tokenize({"--tokenizer", tokenizer_, "decode"}, line).err;
  };
  EXPECT_THAT(complaint("[1, 6]"), HasSubstr("id 6 is outside the vocabulary (0 to 5)"));
  EXPECT_THAT(complaint("[99999999999]"), HasSubstr("id 99999999999 is outside"));
  EXPECT_THAT(complaint("[1.5]"), HasSubstr("expected a JSON array of ids"));
  EXPECT_THAT(complaint("1 2"), HasSubstr("expected a JSON array of ids"));
}

TEST_F(TokenizeTest, WrongCommandLinesEndWithCode2) {
  EXPECT_EQ(tokenize({"encode"}, "").exit_code, 2);
  EXPECT_EQ(tokenize({"--tokenizer", tokenizer_, "translate"}, "").exit_code, 2);
  const auto kind = train({"--kind", "syllables", "--out", (folder_ / "new").string()});
  EXPECT_EQ(kind.exit_code, 2);
  EXPECT_THAT(kind.err, HasSubstr("known are: byte-bpe, wordpiece, bpe, sentencepiece-bpe"));
}

TEST_F(TokenizeTest, TrainingLeavesUsedFoldersAndFailuresAlone) {
  const auto used = train({"--kind", "character", "--out", tokenizer_});
  EXPECT_EQ(used.exit_code, 1);
  EXPECT_THAT(used.err, HasSubstr("the folder is not empty"));
  const std::string failed = (folder_ / "failed").string();
  EXPECT_EQ(train({"--kind", "character", "--vocab-size", "2", "--out", failed}).exit_code, 1);
  EXPECT_FALSE(std::filesystem::exists(failed));
}

}  // namespace
}  // namespace zoo
