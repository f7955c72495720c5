#include "tokenizers/sentencepiece/sentencepiece.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/tokenizers/texts.h"

namespace zoo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::ThrowsMessage;

class SentencePieceTest : public ::testing::TestWithParam<TokenizerKind> {
 protected:
  const Tokenizer& tokenizer() const { return testing::small_sentencepiece(GetParam()); }
};

TEST_P(SentencePieceTest, DecodeUndoesEncodeOnAnyUnicode) {
  std::mt19937 random(2);
  std::vector<std::string> texts = {"",
                                    " ",
                                    "  a  b ",
                                    "\n\n\t x\r\n",
                                    std::string("\0a\0", 3),
                                    "\xE2\x96\x81",
                                    "<0x41>",
                                    " \xE2\x96\x81 ",
                                    "\xEF\xBB\xBF",
                                    "\xF0\x9F\x98\x80"};
  for (int i = 0; i < 2000; ++i) texts.push_back(testing::random_unicode(random));
  for (const std::string& text : texts) {
    ASSERT_EQ(tokenizer().decode(tokenizer().ids(text)), text);
  }
}

TEST_P(SentencePieceTest, PiecesInARowAreTheText) {
  const std::string text = testing::small_text() + "\xF0\x9F\x98\x80";
  std::string joined;
  for (const int32_t id : tokenizer().ids(text)) joined += tokenizer().bytes_of(id);
  EXPECT_EQ(joined, text);
}

TEST_P(SentencePieceTest, OffsetsTileTheText) {
  const std::string text = "the small\n  boats \xE2\x96\x81 drift.";
  const Encoding encoding = tokenizer().encode(text, {.recognise_added = false});
  size_t at = 0;
  for (size_t i = 0; i < encoding.ids.size(); ++i) {
    const auto [begin, end] = encoding.offsets[i];
    if (tokenizer().piece_of(encoding.ids[i]).starts_with("<0x")) continue;
    EXPECT_EQ(text.substr(begin, end - begin), tokenizer().bytes_of(encoding.ids[i]));
    EXPECT_GE(begin, at);
    at = end;
  }
  EXPECT_EQ(at, text.size());
}

TEST_P(SentencePieceTest, BytesHaveThePlaceOfTheirCharacter) {
  const Encoding encoding = tokenizer().encode("a\xF0\x9F\x98\x80");
  ASSERT_GE(encoding.ids.size(), 4u);
  for (size_t i = encoding.ids.size() - 4; i < encoding.ids.size(); ++i) {
    EXPECT_THAT(encoding.offsets[i], Pair(1, 5)) << i;
  }
}

TEST_P(SentencePieceTest, CountsWordsAsSpacesDelimitThem) {
  const std::string text = "  the ship\n\nand<s> boats";
  const Encoding encoding = tokenizer().encode(text, {.add_special = true});
  const std::vector<std::string> expected = {"  the", " ship", "\n\nand", "<s>", " boats"};
  std::vector<std::string> words(expected.size());
  for (size_t i = 1; i + 1 < encoding.ids.size(); ++i) {
    words.at(static_cast<size_t>(encoding.words[i])) += tokenizer().bytes_of(encoding.ids[i]);
  }
  EXPECT_EQ(words, expected);
  EXPECT_EQ(encoding.words.front(), -1);
  EXPECT_THAT(encoding.offsets.back(), Pair(0, 0));
  EXPECT_EQ(encoding.type_ids, std::vector<int32_t>(encoding.ids.size(), 0));
}

TEST_P(SentencePieceTest, GivesTheSameIdsWithoutDetails) {
  std::mt19937 random(6);
  for (int i = 0; i < 500; ++i) {
    const std::string text = testing::random_unicode(random);
    for (const bool special : {false, true}) {
      const EncodeOptions options = {.add_special = special, .details = false};
      const Encoding bare = tokenizer().encode(text, options);
      EXPECT_EQ(bare.ids, tokenizer().encode(text, {.add_special = special}).ids);
      EXPECT_TRUE(bare.offsets.empty() && bare.words.empty() && bare.type_ids.empty());
    }
  }
}

TEST_P(SentencePieceTest, InvalidUtf8BecomesTheReplacementCharacter) {
  EXPECT_EQ(tokenizer().decode(tokenizer().ids("a\xFF\xC3"
                                               "b")),
            "a\xEF\xBF\xBD\xEF\xBF\xBD"
            "b");
  std::mt19937 random(3);
  for (int i = 0; i < 2000; ++i) {
    const std::string bytes = testing::random_bytes(random);
    ASSERT_EQ(tokenizer().decode(tokenizer().ids(bytes)), utf8::replace_invalid(bytes));
  }
}

TEST_P(SentencePieceTest, BytesThatMakeNoCharacterDecodeAsReplacements) {
  const int32_t lead = *tokenizer().id_of("<0xE2>"), a = *tokenizer().id_of("<0x41>");
  EXPECT_EQ(tokenizer().decode(std::vector<int32_t>{a, lead, a}),
            "A\xEF\xBF\xBD"
            "A");
  EXPECT_EQ(tokenizer().bytes_of(lead), "\xE2");
}

TEST_P(SentencePieceTest, SpecialTokensHaveTheirRoles) {
  EXPECT_EQ(tokenizer().unk_id(), 0);
  EXPECT_EQ(tokenizer().bos_id(), 1);
  EXPECT_EQ(tokenizer().eos_id(), 2);
  EXPECT_EQ(tokenizer().pad_id(), 3);
  EXPECT_EQ(tokenizer().vocab_size(), testing::kSmallVocabulary);
  const auto the = tokenizer().ids("the");
  auto wrapped = tokenizer().ids("the", {.add_special = true});
  EXPECT_EQ(wrapped.front(), 1);
  EXPECT_EQ(wrapped.back(), 2);
  EXPECT_EQ(tokenizer().ids("<s>the</s>"), wrapped);
  EXPECT_EQ(tokenizer().decode(wrapped), "<s>the</s>");
  EXPECT_EQ(tokenizer().decode(wrapped, /*skip_special=*/true), "the");
  EXPECT_THAT(tokenizer().ids("", {.add_special = true}), ElementsAre(1, 2));
  const auto plain = tokenizer().ids("<s>", {.recognise_added = false});
  EXPECT_EQ(std::count(plain.begin(), plain.end(), 1), 0);
  EXPECT_EQ(tokenizer().decode(plain), "<s>");
}

TEST_P(SentencePieceTest, LearnsTheWordsAndLineEndsOfItsText) {
  const std::string text = testing::small_text();
  EXPECT_LT(tokenizer().ids(text).size(), text.size() * 6 / 10);
  EXPECT_EQ(tokenizer().ids(" ,\n").size(), 1u);  // a line feed joins what stands before it
}

TEST_P(SentencePieceTest, RefusesIdsOutsideTheVocabulary) {
  for (const int32_t id : {-1, testing::kSmallVocabulary, INT32_MAX}) {
    EXPECT_THAT(
        [&] {
          tokenizer().decode(std::vector<int32_t>{5, id});
        },
        ThrowsMessage<std::out_of_range>(HasSubstr("is outside the vocabulary (0 to 399)")));
    EXPECT_THROW(tokenizer().piece_of(id), std::out_of_range);
    EXPECT_THROW(tokenizer().bytes_of(id), std::out_of_range);
    EXPECT_THROW(tokenizer().is_special(id), std::out_of_range);
  }
}

TEST_P(SentencePieceTest, LongTextWithoutSpacesIsQuickEnoughToTest) {
  const std::string text(300000, 'a');
  EXPECT_EQ(tokenizer().decode(tokenizer().ids(text)), text);
}

INSTANTIATE_TEST_SUITE_P(Kinds, SentencePieceTest,
                         ::testing::Values(TokenizerKind::kSentencePieceBpe,
                                           TokenizerKind::kSentencePieceUnigram),
                         [](const auto& info) {
                           return info.param == TokenizerKind::kSentencePieceBpe ? "Bpe"
                                                                                 : "Unigram";
                         });

TEST(SentencePieceLossyTest, NormalisesAndCollapsesSpaces) {
  const auto tokenizer = testing::train_on(
      testing::small_text(),
      {.kind = TokenizerKind::kSentencePieceUnigram, .vocab_size = 60, .lossy = true});
  EXPECT_EQ(tokenizer->decode(tokenizer->ids("  the   \xEF\xBD\x93hip ")), "the ship");
  EXPECT_EQ(tokenizer->decode(tokenizer->ids("the \xE6\x97\xA5\xE6\x9C\xAC ship")),
            "the <unk> ship");
  EXPECT_EQ(tokenizer->id_of("<0x41>"), std::nullopt);
}

}  // namespace
}  // namespace zoo
