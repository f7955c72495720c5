#include "infer/decode/text_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <stdexcept>

#include "tokenizers/stages/post_template.h"

namespace zoo {
namespace {

using ::testing::ElementsAre;

/// A tokenizer whose pieces are given byte strings; id 0 is special.
class PieceTokenizer final : public Tokenizer {
 public:
  explicit PieceTokenizer(std::vector<std::string> pieces) : pieces_(std::move(pieces)) {
    pieces_.insert(pieces_.begin(), "<s>");
  }
  Encoding encode(std::string_view, const EncodeOptions&) const override { return {}; }
  // As SentencePiece does: the first word's space goes.
  std::string decode(std::span<const int32_t> ids, bool) const override {
    std::string text;
    for (const int32_t id : ids) text += bytes_of(id);
    return text.starts_with(' ') ? text.substr(1) : text;
  }
  std::string piece_of(int32_t id) const override { return bytes_of(id); }
  std::string bytes_of(int32_t id) const override { return pieces_.at(static_cast<size_t>(id)); }
  std::optional<int32_t> id_of(std::string_view) const override { return {}; }
  int32_t vocab_size() const override { return static_cast<int32_t>(pieces_.size()); }
  bool is_special(int32_t id) const override { return id == 0; }
  std::optional<int32_t> bos_id() const override { return 0; }
  std::optional<int32_t> eos_id() const override { return {}; }
  std::optional<int32_t> pad_id() const override { return {}; }
  std::optional<int32_t> unk_id() const override { return {}; }
  const PostTemplate& post_template() const override { return post_; }
  std::string kind() const override { return "pieces"; }
  void save(const std::filesystem::path&) const override {}

 private:
  std::vector<std::string> pieces_;
  PostTemplate post_;
};

struct Streamed {
  std::vector<std::string> shown;  // what each token, and then the end, gave out
  bool stopped = false;
};

Streamed stream(const std::vector<std::string>& pieces, std::vector<std::string> stop,
                bool at_start = false) {
  const PieceTokenizer tokenizer(pieces);
  TextStream text(tokenizer, std::move(stop), at_start);
  Streamed result;
  for (int32_t id = 1; id < tokenizer.vocab_size() && !text.stopped(); ++id)
    result.shown.push_back(text.push(id));
  if (!text.stopped()) result.shown.push_back(text.finish());
  result.stopped = text.stopped();
  std::string all;
  for (const auto& part : result.shown) all += part;
  EXPECT_EQ(text.text(), all);
  return result;
}

TEST(TextStreamTest, ShowsEachTokenAtOnce) {
  EXPECT_THAT(stream({"ab", "c"}, {}).shown, ElementsAre("ab", "c", ""));
}

TEST(TextStreamTest, HoldsBackHalfACharacter) {
  EXPECT_THAT(stream({"a\xE2", "\x82", "\xACz"}, {}).shown, ElementsAre("a", "", "€z", ""));
  EXPECT_THAT(stream({"\xF0\x9F", "\x98", "\x80"}, {}).shown, ElementsAre("", "", "😀", ""));
}

TEST(TextStreamTest, BytesThatAreNoTextBecomeReplacementCharacters) {
  EXPECT_THAT(stream({"\xFF", "a\x80"}, {}).shown, ElementsAre("\uFFFD", "a\uFFFD", ""));
  EXPECT_THAT(stream({"\xE2", "a"}, {}).shown, ElementsAre("", "\uFFFDa", ""));
  EXPECT_THAT(stream({"ok\xC3"}, {}).shown,
              ElementsAre("ok", "\uFFFD"));  // the text ends in half a character
}

TEST(TextStreamTest, EndsBeforeAStopStringAcrossTokenBorders) {
  const auto result = stream({"Hello\n", "\nJU", "LIET", "never"}, {"\nJULIET"});
  EXPECT_THAT(result.shown, ElementsAre("Hello", "\n", ""));
  EXPECT_TRUE(result.stopped);
}

TEST(TextStreamTest, GivesOutWhatTurnedOutToBeNoStopString) {
  const auto result = stream({"a EN", "D of", " EN"}, {" END."});
  EXPECT_THAT(result.shown, ElementsAre("a", " END of", "", " EN"));
  EXPECT_FALSE(result.stopped);
}

TEST(TextStreamTest, TheFirstOfSeveralStopStringsCounts) {
  const auto result = stream({"one two three"}, {"three", "two"});
  EXPECT_THAT(result.shown, ElementsAre("one "));
  EXPECT_TRUE(result.stopped);
}

TEST(TextStreamTest, AStopStringThatRepeatsItsBeginningIsFound) {
  EXPECT_THAT(stream({"aab", "aa", "ab"}, {"aaab"}).shown, ElementsAre("aab", "", ""));
}

TEST(TextStreamTest, AStopStringOfSeveralBytesACharacterIsFound) {
  const auto result = stream({"x\xE2\x82", "\xAC", "y"}, {"€"});
  EXPECT_THAT(result.shown, ElementsAre("x", ""));
  EXPECT_TRUE(result.stopped);
}

TEST(TextStreamTest, SpecialTokensAddNothing) {
  const PieceTokenizer tokenizer({"a"});
  TextStream text(tokenizer, {});
  EXPECT_EQ(text.push(1) + text.push(0) + text.push(1), "aa");
}

TEST(TextStreamTest, OnlyAtTheStartOfATextTheFirstSpaceGoes) {
  EXPECT_THAT(stream({" Once", " upon"}, {}, true).shown, ElementsAre("Once", " upon", ""));
  EXPECT_THAT(stream({" Once", " upon"}, {}, false).shown, ElementsAre(" Once", " upon", ""));
}

TEST(TextStreamTest, RefusesAnEmptyStopString) {
  const PieceTokenizer tokenizer({"a"});
  EXPECT_THROW(TextStream(tokenizer, {"x", ""}), std::invalid_argument);
}

// However a text is cut into tokens, the same text is shown, it ends before the first stop string,
// and every part is whole.
TEST(TextStreamTest, TheCutIntoTokensDoesNotMatter) {
  std::mt19937 random(4);
  const std::vector<std::string> letters = {"a", "b", "é", "€", "😀", "\n"};
  for (int round = 0; round < 500; ++round) {
    std::string text, stop;
    for (int i = 0; i < 20; ++i) text += letters[random() % letters.size()];
    for (size_t i = 0; i < 1 + random() % 3; ++i) stop += letters[random() % letters.size()];
    std::vector<std::string> pieces;
    for (size_t at = 0; at < text.size();) {
      const size_t size = 1 + random() % 4;
      pieces.push_back(text.substr(at, size));
      at += size;
    }
    const auto result = stream(pieces, {stop});
    std::string shown;
    for (const auto& part : result.shown) {
      EXPECT_TRUE(part.empty() || (static_cast<uint8_t>(part[0]) & 0xC0) != 0x80);
      EXPECT_EQ(half_character_at_end(part), 0U);
      shown += part;
    }
    EXPECT_EQ(shown, text.substr(0, text.find(stop)));
    EXPECT_EQ(result.stopped, text.find(stop) != std::string::npos);
  }
}

}  // namespace
}  // namespace zoo
