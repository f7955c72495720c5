// Training: text in pieces, options, and texts that do not allow what was asked.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "base/option_error.h"
#include "tests/tokenizers/texts.h"
#include "tokenizers/tokenizer.h"

namespace zoo {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::ThrowsMessage;

std::vector<std::string> pieces_of_texts(const std::vector<std::string>& texts,
                                         TrainingText::Pieces kind, size_t limit) {
  const testing::TemporaryFolder folder;
  std::vector<std::filesystem::path> files;
  for (const std::string& text : texts) {
    files.push_back(folder / std::to_string(files.size()));
    testing::write_quickly(files.back(), text);
  }
  TrainingText text(files, kind, limit);
  std::vector<std::string> pieces;
  for (std::string piece; text.next(piece);) pieces.push_back(piece);
  return pieces;
}

TEST(TrainingTextTest, BlocksEndAtLineEndsThenAtSpacesThenBetweenCharacters) {
  using enum TrainingText::Pieces;
  EXPECT_THAT(pieces_of_texts({"ab\ncd\nefghi"}, kBlocks, 8), ElementsAre("ab\ncd\n", "efghi"));
  EXPECT_THAT(pieces_of_texts({"abc def ghi"}, kBlocks, 8), ElementsAre("abc def", " ghi"));
  EXPECT_THAT(pieces_of_texts({"abcdef\xE2\x82\xACxyz"}, kBlocks, 8),
              ElementsAre("abcdef", "\xE2\x82\xACxyz"));
  EXPECT_THAT(pieces_of_texts({"a\nb\n", "", "c"}, kLines, 8), ElementsAre("a", "b", "c"));
  EXPECT_THAT(pieces_of_texts({"a\n\nb"}, kLines, 8), ElementsAre("a", "", "b"));
}

TEST(TrainingTextTest, WholeLinesAreNeverCut) {
  using enum TrainingText::Pieces;
  EXPECT_THAT(pieces_of_texts({"ab\ncd\nefghi"}, kWholeLines, 8), ElementsAre("ab\ncd\n", "efghi"));
  EXPECT_THAT(pieces_of_texts({"abc def ghi jkl\n\nmno", "pq"}, kWholeLines, 8),
              ElementsAre("abc def ghi jkl\n", "\n", "mno", "pq"));
  const std::string line(200'000, 'x');
  EXPECT_THAT(pieces_of_texts({"a\n" + line + "\n" + line, "\n"}, kWholeLines, 8),
              ElementsAre("a\n", line + "\n", line, "\n"));
}

TEST(TrainingTextTest, ByteOrderMarksAreNoText) {
  using enum TrainingText::Pieces;
  const std::string mark = "\xEF\xBB\xBF";
  for (const auto kind : {kBlocks, kWholeLines, kLines}) {
    EXPECT_EQ(pieces_of_texts({mark + "ab\ncd\n", mark, mark + "ef"}, kind, 8),
              pieces_of_texts({"ab\ncd\n", "", "ef"}, kind, 8));
  }
  EXPECT_THAT(pieces_of_texts({"a" + mark}, kBlocks, 8), ElementsAre("a" + mark));
}

TEST(TrainingTextTest, WideTextIsNamed) {
  const std::string wide("\xFF\xFEg\0o\0o\0d\0\n\0", 12);
  for (const size_t from : {0U, 2U}) {
    EXPECT_THAT([&] { pieces_of_texts({wide.substr(from)}, TrainingText::Pieces::kLines, 8); },
                ThrowsMessage<std::runtime_error>(
                    AllOf(HasSubstr("is UTF-16, expected UTF-8"), HasSubstr("iconv"))));
  }
}

TEST(TrainingTextTest, BlocksTogetherAreTheFiles) {
  std::mt19937 random(5);
  for (int i = 0; i < 200; ++i) {
    std::string text = "x";
    for (int k = 0; k < 20; ++k) text += testing::random_unicode(random);
    std::erase(text, '\0');  // which says that a file is no text
    std::string joined;
    using enum TrainingText::Pieces;
    for (const auto& piece :
         pieces_of_texts({text, text}, i % 2 == 0 ? kBlocks : kWholeLines, 8 + random() % 90)) {
      EXPECT_EQ(utf8::find_invalid(piece), std::string::npos);
      joined += piece;
    }
    ASSERT_EQ(joined, text + text);
  }
}

TEST(TrainingTextTest, SaysWhichFileAndByteIsNotUtf8) {
  EXPECT_THAT(
      [] {
        pieces_of_texts({"good\n",
                         "long enough\nba\xFF"
                         "d"},
                        TrainingText::Pieces::kBlocks, 8);
      },
      ThrowsMessage<std::runtime_error>(HasSubstr("1: byte 0xFF at 14 is not valid UTF-8")));
}

TEST(TrainingTextTest, RefusesBinaryFiles) {
  EXPECT_THAT([] { testing::train_on(std::string("ELF\0", 4), {}); },
              ThrowsMessage<std::runtime_error>(HasSubstr("not a text file (a zero byte at 3)")));
}

TEST(TrainingTextTest, RefusesMissingFilesFoldersAndEmptyText) {
  const auto train = [](const std::string& file) { train_tokenizer({}, {file}); };
  EXPECT_THAT(
      [&] { train("/no/such/file"); },
      ThrowsMessage<std::runtime_error>(HasSubstr("cannot read /no/such/file: No such file")));
  EXPECT_THAT([&] { train("tests"); },
              ThrowsMessage<std::runtime_error>(HasSubstr("cannot read tests: ")));
  EXPECT_THAT([] { testing::train_on("", {}); },
              ThrowsMessage<std::runtime_error>(HasSubstr("all files are empty")));
}

TEST(TrainTokenizerTest, EqualInputGivesAnEqualTokenizer) {
  for (const auto kind : {TokenizerKind::kSentencePieceBpe, TokenizerKind::kSentencePieceUnigram}) {
    const testing::TemporaryFolder folder;
    testing::small_sentencepiece(kind).save(folder.path());
    const std::string first = read_file(folder / "tokenizer.model");
    testing::train_on(testing::small_text(),
                      {.kind = kind, .vocab_size = testing::kSmallVocabulary})
        ->save(folder.path());
    EXPECT_TRUE(read_file(folder / "tokenizer.model") == first);
  }
}

TEST(TrainTokenizerTest, WithoutSpecialsAddSpecialAddsNothingBeforeAndAfterSaving) {
  const std::string text = "low lower newest widest";
  const auto tokenizer =
      testing::train_on(testing::small_text(), {.kind = TokenizerKind::kSentencePieceBpe,
                                                .vocab_size = testing::kSmallVocabulary,
                                                .specials = false});
  EXPECT_EQ(tokenizer->ids(text, {.add_special = true}), tokenizer->ids(text));
  const testing::TemporaryFolder folder;
  tokenizer->save(folder.path());
  const auto loaded = load_tokenizer(folder.path());
  EXPECT_EQ(loaded->ids(text, {.add_special = true}), tokenizer->ids(text));
  EXPECT_EQ(fingerprint(*loaded), fingerprint(*tokenizer));
}

TEST(TrainTokenizerTest, SaysWhichVocabularySizesTheTextAllows) {
  for (const auto kind : {TokenizerKind::kSentencePieceBpe, TokenizerKind::kSentencePieceUnigram}) {
    const auto train = [kind](int64_t size) {
      testing::train_on(testing::small_text(), {.kind = kind, .vocab_size = size});
    };
    EXPECT_THAT([&] { train(100); },
                ThrowsMessage<OptionError>(AllOf(
                    HasSubstr("vocab-size 100 is too small for this text"), Not(HasSubstr("\n")))));
    EXPECT_THAT([&] { train(20000); },
                ThrowsMessage<OptionError>(
                    AllOf(HasSubstr("vocab-size 20000 is too large for this text: give at most"),
                          Not(HasSubstr("\n")))));
  }
}

TEST(TrainTokenizerTest, TextOfReservedCharactersAloneIsNoText) {
  EXPECT_THAT(
      [] {
        testing::train_on("\xE2\x96\x85\xE2\x96\x81",
                          {.kind = TokenizerKind::kSentencePieceBpe, .vocab_size = 300});
      },
      ThrowsMessage<std::runtime_error>(HasSubstr("nothing but reserved characters")));
}

TEST(TrainTokenizerTest, ReservedCharactersDoNotHideTheTextAroundThem) {
  const std::string text = "\xE2\x96\x85" + testing::small_text();
  const auto tokenizer = testing::train_on(
      text, {.kind = TokenizerKind::kSentencePieceBpe, .vocab_size = testing::kSmallVocabulary});
  EXPECT_TRUE(tokenizer->id_of(" the").has_value());
  EXPECT_EQ(tokenizer->decode(tokenizer->ids(text)), text);
}

TEST(TrainTokenizerTest, RefusesOptionsOutOfRange) {
  using enum TokenizerKind;
  const auto refusal = [](TokenizerTraining options) {
    try {
      testing::train_on("text", options);
    } catch (const std::invalid_argument& error) {
      return std::string(error.what());
    }
    return std::string("trained");
  };
  EXPECT_THAT(refusal({.vocab_size = -1}), HasSubstr("vocab-size must be"));
  EXPECT_THAT(refusal({.kind = kSentencePieceBpe, .coverage = 0.5}), HasSubstr("coverage must be"));
  EXPECT_THAT(refusal({.kind = kSentencePieceBpe, .threads = 0}), HasSubstr("threads must be"));
  EXPECT_THAT(refusal({.kind = kCharacter, .lossy = true}), HasSubstr("lossy is for"));
  EXPECT_THAT(refusal({.kind = kSentencePieceBpe, .unknown = true}), HasSubstr("unknown is for"));
}

TEST(TokenizerKindTest, UnknownKindsAreRefusedWithTheKnownOnes) {
  EXPECT_THAT([] { parse_enum<TokenizerKind>("words"); },
              ThrowsMessage<std::invalid_argument>(
                  HasSubstr("known are: byte-bpe, wordpiece, bpe, sentencepiece-bpe, "
                            "sentencepiece-unigram, character")));
}

}  // namespace
}  // namespace zoo
