#include "tokenizers/character.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "base/option_error.h"
#include "tests/tokenizers/texts.h"

namespace zoo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::ThrowsMessage;

TEST(CharacterTokenizerTest, NumbersCharactersByCodePointAsNanoGptDoes) {
  const auto tokenizer = testing::train_on("hello\nzoo \xC3\xA9", {});
  EXPECT_EQ(tokenizer->vocab_size(), 8);  // \n, space, e, h, l, o, z, é
  EXPECT_THAT(tokenizer->ids("hole\n\xC3\xA9"), ElementsAre(3, 5, 4, 2, 0, 7));
  EXPECT_EQ(tokenizer->piece_of(7), "\xC3\xA9");
  EXPECT_EQ(tokenizer->id_of("z"), 6);
  EXPECT_EQ(tokenizer->id_of("zo"), std::nullopt);
  EXPECT_EQ(tokenizer->id_of(""), std::nullopt);
  EXPECT_EQ(tokenizer->bos_id(), std::nullopt);
}

TEST(CharacterTokenizerTest, OffsetsCountBytes) {
  const CharacterTokenizer tokenizer(U"ab\u00E9");
  EXPECT_THAT(tokenizer
                  .encode("a\xC3\xA9"
                          "b")
                  .offsets,
              ElementsAre(Pair(0, 1), Pair(1, 3), Pair(3, 4)));
}

TEST(CharacterTokenizerTest, DecodeUndoesEncode) {
  std::mt19937 random(1);
  for (int i = 0; i < 300; ++i) {
    std::string text = testing::random_unicode(random) += "x";
    std::erase(text, '\0');  // which says that a file is no text
    const auto tokenizer = testing::train_on(text, {});
    ASSERT_EQ(tokenizer->decode(tokenizer->ids(text)), text);
    ASSERT_EQ(tokenizer->unk_id(), std::nullopt);
  }
}

TEST(CharacterTokenizerTest, UnknownCharactersAreErrorsThatNameThemAndTheirPlace) {
  const CharacterTokenizer tokenizer(U"ab");
  EXPECT_THAT(
      [&] { tokenizer.ids("ab\xC3\xA9"); },
      ThrowsMessage<std::runtime_error>(HasSubstr("'\xC3\xA9' (U+00E9) at byte 2 is not in")));
  EXPECT_THAT([&] { tokenizer.ids("a\xFF"); },
              ThrowsMessage<std::runtime_error>(
                  HasSubstr("byte 0xFF, which is not valid UTF-8, at byte 1")));
  EXPECT_TRUE(tokenizer.ids("").empty());
}

TEST(CharacterTokenizerTest, UnknownCharactersBecomeUnkWhereTheVocabularyHasIt) {
  const CharacterTokenizer tokenizer(U"ab", CharacterSpecials{.unknown = true});
  EXPECT_EQ(tokenizer.unk_id(), 2);
  EXPECT_THAT(tokenizer.ids("a\xC3\xA9"
                            "b\xFF"),
              ElementsAre(0, 2, 1, 2));
  EXPECT_THAT(tokenizer.ids("a<unk>b"), ElementsAre(0, 2, 1));
  EXPECT_THAT(tokenizer.ids("<a", {.recognise_added = false}), ElementsAre(2, 0));
  EXPECT_EQ(tokenizer.decode(std::vector<int32_t>{0, 2, 1}), "a<unk>b");
  EXPECT_EQ(tokenizer.decode(std::vector<int32_t>{0, 2, 1}, /*skip_special=*/true), "ab");
}

TEST(CharacterTokenizerTest, RefusesIdsOutsideTheVocabulary) {
  const CharacterTokenizer tokenizer(U"ab");
  for (const int32_t id : {-1, 2, INT32_MAX}) {
    EXPECT_THAT(
        [&] {
          tokenizer.decode(std::vector<int32_t>{0, id});
        },
        ThrowsMessage<std::out_of_range>(HasSubstr(std::to_string(id) + " is outside")));
  }
}

TEST(CharacterTokenizerTest, RefusesNoCharactersAndRepeatedOnes) {
  EXPECT_THROW(CharacterTokenizer(U""), std::invalid_argument);
  EXPECT_THROW(CharacterTokenizer(U"aba"), std::invalid_argument);
}

TEST(CharacterTokenizerTest, KeepsTheMostFrequentWhereTheVocabularyIsTooSmall) {
  const auto tokenizer = testing::train_on(
      "aaabbc", {.kind = TokenizerKind::kCharacter, .vocab_size = 3, .unknown = true});
  EXPECT_THAT(tokenizer->ids("abc"), ElementsAre(0, 1, 2));
  EXPECT_EQ(tokenizer->unk_id(), 2);
  EXPECT_THAT([] { testing::train_on("aaabbc", {.vocab_size = 2}); },
              ThrowsMessage<OptionError>(HasSubstr("3 different characters")));
}

TEST(CharacterTokenizerTest, SequenceTokensStandBehindTheCharactersAndReturnFromDisk) {
  const CharacterTokenizer made(U"ab", {.sequence = true, .unknown = true});
  const testing::TemporaryFolder folder;
  made.save(folder.path());
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(tokenizer->vocab_size(), 6);
  EXPECT_EQ(tokenizer->pad_id(), 2);
  EXPECT_EQ(tokenizer->bos_id(), 3);
  EXPECT_EQ(tokenizer->eos_id(), 4);
  EXPECT_EQ(tokenizer->unk_id(), 5);
  EXPECT_THAT(tokenizer->ids("<s>ab</s>x"), ElementsAre(3, 0, 1, 4, 5));
  EXPECT_EQ(tokenizer->decode(std::vector<int32_t>{3, 0, 1, 4}, /*skip_special=*/true), "ab");
}

}  // namespace
}  // namespace zoo
