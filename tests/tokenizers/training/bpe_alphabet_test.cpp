// The first ids of a training: special tokens, alphabet, forms inside and at the end of words.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tokenizers/training/bpe_alphabet.h"

#include "tests/tokenizers/training/counted_words.h"

namespace zoo {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::start_of;

TEST(BpeAlphabetTest, SpecialTokensComeFirstThenLettersByCodePoint) {
  const BpeStart start =
      start_of({{"b\xC3\xA9", 2}, {"ab", 1}}, {.special_tokens = {"<s>", "b", "<s>"}});
  EXPECT_THAT(start.pieces, ElementsAre("<s>", "b", "a", "\xC3\xA9"));
  EXPECT_THAT(start.ids, ElementsAre(1, 3, 2, 1));
  ASSERT_EQ(start.words.size(), 2u);
  EXPECT_EQ(start.words[1].begin, 2u);
  EXPECT_EQ(start.words[1].size, 2u);
  EXPECT_EQ(start.words[0].count, 2u);
}

TEST(BpeAlphabetTest, FormsFollowByCodePointWhateverTheOrderOfTheWords) {
  const std::vector<std::string> pieces =
      start_of({{"cab", 1}, {"b", 1}, {"ac", 1}}, {.prefix = "##"}).pieces;
  EXPECT_THAT(pieces, ElementsAre("a", "b", "c", "##a", "##b", "##c"));
  EXPECT_EQ(start_of({{"ac", 1}, {"b", 1}, {"cab", 1}}, {.prefix = "##"}).pieces, pieces);
  EXPECT_THAT(start_of({{"cab", 1}, {"b", 1}}, {.suffix = "</w>"}).pieces,
              ElementsAre("a", "b", "c", "b</w>"));
}

TEST(BpeAlphabetTest, BytesAreAllThereInTheOrderOfTheirCharacters) {
  const BpeStart start = start_of({{std::string("\x00 a\xFF", 4), 1}}, {.bytes = true});
  ASSERT_EQ(start.pieces.size(), 256u);
  EXPECT_EQ(start.pieces[0], "!");
  EXPECT_EQ(start.pieces[255], "\xC5\x83");  // U+0143, for byte 0xAD
  EXPECT_THAT(start.ids, ElementsAre(188, 188 + 32, 'a' - '!', 187));
}

TEST(BpeAlphabetTest, RareCharactersAreLeftOutOfWords) {
  const BpeStart start = start_of({{"axb", 3}, {"ay", 1}}, {.prefix = "##", .limit = 2});
  EXPECT_THAT(start.pieces, ElementsAre("a", "b", "##b"));  // b and x tie: the lower code point
  EXPECT_THAT(start.ids, ElementsAre(0, 2, 0));
  // A first character that is left out still was the first.
  EXPECT_THAT(start_of({{"xa", 1}, {"aa", 2}}, {.prefix = "##", .limit = 1}).ids,
              ElementsAre(1, 0, 1));
}

TEST(BpeAlphabetTest, ASpecialTokenOfOneCharacterKeepsIt) {
  const BpeStart start = start_of({{"ax", 1}, {"a", 1}}, {.limit = 1, .special_tokens = {"x"}});
  EXPECT_THAT(start.pieces, ElementsAre("x", "a"));
  EXPECT_THAT(start.ids, ElementsAre(1, 0, 1));
}

TEST(BpeAlphabetTest, NoWordsLeaveTheSpecialTokens) {
  EXPECT_THAT(start_of({}, {.special_tokens = {"<s>"}}).pieces, ElementsAre("<s>"));
  EXPECT_THAT(start_of({}, {}).words, IsEmpty());
}

}  // namespace
}  // namespace zoo
