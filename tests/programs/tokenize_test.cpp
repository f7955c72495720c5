// The programs `train_tokenizer` and `tokenize`: lines, flags on either side of the verb, bad
// input.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
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

TEST_F(TokenizeTest, SentencePieceSplitsAreDrawnAndListed) {
  std::ofstream text(folder_ / "text.txt");
  const char* const syllables[] = {"ka", "lo", "mi", "su", "ter", "vin", "or", "que"};
  std::mt19937 random(1);
  for (int word = 0; word < 4000; ++word) {
    for (unsigned i = random() % 3 + 1; i > 0; --i) text << syllables[random() % 8];
    text << (word % 9 == 0 ? "\n" : " ");
  }
  text.close();
  const std::string unigram = (folder_ / "unigram").string(), bpe = (folder_ / "bpe").string();
  for (const auto& [kind, out] :
       {std::pair("sentencepiece-unigram", unigram), {"sentencepiece-bpe", bpe}}) {
    const auto trained = train({"--kind", kind, "--vocab-size", "330", "--out", out});
    ASSERT_EQ(trained.exit_code, 0) << trained.err;
  }
  const std::string lines = "kalomi tervin\nkalomi tervin\n\n";
  const auto encode = [&](const std::string& folder, std::vector<std::string> flags) {
    flags.insert(flags.end(), {"--tokenizer", folder, "encode"});
    return tokenize(flags, lines);
  };
  const std::string best = encode(unigram, {}).out;
  const auto drawn = encode(unigram, {"--sample", "0.1", "--seed", "3"});
  EXPECT_EQ(drawn.exit_code, 0) << drawn.err;
  EXPECT_NE(drawn.out, best);
  EXPECT_EQ(drawn.out, encode(unigram, {"--sample", "0.1", "--seed", "3"}).out);
  EXPECT_NE(drawn.out, encode(unigram, {"--sample", "0.1", "--seed", "4"}).out);
  EXPECT_EQ(tokenize({"--tokenizer", unigram, "decode"}, drawn.out).out, lines);
  EXPECT_EQ(encode(unigram, {"--sample", "0.1", "--nbest", "1"}).out, best);
  EXPECT_EQ(encode(bpe, {"--sample", "0"}).out, encode(bpe, {}).out);
  EXPECT_NE(encode(bpe, {"--sample", "0.9"}).out, encode(bpe, {}).out);
  EXPECT_THAT(encode(unigram, {"--sample", "1", "--special"}).out, StartsWith("[1,"));
  const auto first_line = [](const std::string& out) {
    return nlohmann::json::parse(out.substr(0, out.find('\n')));
  };
  const auto listed = first_line(encode(unigram, {"--nbest", "3"}).out);
  ASSERT_EQ(listed.size(), 3u);
  EXPECT_GE(listed[0]["score"], listed[1]["score"]);
  EXPECT_EQ(listed[0]["ids"], first_line(best));
  EXPECT_THAT(encode(unigram, {"--nbest", "1", "--pieces"}).out, HasSubstr("\"pieces\": [\""));
}

TEST_F(TokenizeTest, SplitsAreRefusedWhereNoneCanBeDrawn) {
  const auto refusal = [&](std::vector<std::string> flags, int code) {
    flags.insert(flags.end(), {"--tokenizer", tokenizer_});
    const auto found = tokenize(flags, "ab\n");
    EXPECT_EQ(found.exit_code, code);
    EXPECT_EQ(found.out, "");
    EXPECT_EQ(std::count(found.err.begin(), found.err.end(), '\n'), 1) << found.err;
    return found.err;
  };
  EXPECT_THAT(refusal({"encode", "--sample", "0.1"}, 1),
              HasSubstr("need a SentencePiece tokenizer with its .model file"));
  EXPECT_THAT(refusal({"encode", "--nbest", "2"}, 1), HasSubstr("kind character; leave them out"));
  EXPECT_THAT(refusal({"decode", "--sample", "0.1"}, 2), HasSubstr("for the verb encode"));
  EXPECT_THAT(refusal({"encode", "--sample", "0.1", "--batch"}, 2), HasSubstr("do not go with"));
  EXPECT_THAT(refusal({"encode", "--sample", "-1"}, 2), HasSubstr("must be 0 or more"));
  EXPECT_THAT(refusal({"encode", "--sample", "nan"}, 2), HasSubstr("--sample"));
  EXPECT_THAT(refusal({"encode", "--seed", "3"}, 2), HasSubstr("--seed draws nothing by itself"));
  EXPECT_THAT(refusal({"encode", "--truncation", "only-first"}, 2),
              HasSubstr("--truncation is for --batch"));
  EXPECT_THAT(refusal({"encode", "--file", "x"}, 2), HasSubstr("--file is for the verb compare"));
  EXPECT_THAT(refusal({"encode", "--skip-special"}, 2), HasSubstr("for the verb decode"));
  EXPECT_THAT(refusal({"decode", "--pieces"}, 2), HasSubstr("--pieces is for the verb encode"));
  EXPECT_THAT(refusal({"encode", "--nbest", "0"}, 2), HasSubstr("must be 1 to 1024"));
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

TEST_F(TokenizeTest, TrainingClearsWhatAKilledRunLeft) {
  const std::filesystem::path stale = folder_ / ".new.partial";
  std::filesystem::create_directory(stale);
  std::ofstream(stale / "tokenizer.json") << "half";
  const auto trained = train({"--kind", "character", "--out", (folder_ / "new").string()});
  EXPECT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_FALSE(std::filesystem::exists(stale));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "new/tokenizer.json"));
}

TEST_F(TokenizeTest, TrainingFillsTheFolderBehindALink) {
  std::filesystem::create_directory(folder_ / "place");
  std::filesystem::create_directory_symlink("place", folder_ / "link");
  const auto trained = train({"--kind", "character", "--out", (folder_ / "link").string()});
  EXPECT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_TRUE(std::filesystem::is_symlink(folder_ / "link"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "place/tokenizer.json"));
}

TEST_F(TokenizeTest, TrainingNeedsNobodyWhoReadsItsNotes) {
  for (const std::string stream : {"2>&-", "2>/dev/full"}) {
    const std::filesystem::path out = folder_ / "quiet";
    const std::string command = std::string(ZOO_PROGRAM_FOLDER) +
                                "/train_tokenizer --kind character --out " + out.string() + " " +
                                (folder_ / "text.txt").string() + " >/dev/null " + stream;
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
    EXPECT_TRUE(std::filesystem::exists(out / "tokenizer.json"));
    std::filesystem::remove_all(out);
  }
}

}  // namespace
}  // namespace zoo
