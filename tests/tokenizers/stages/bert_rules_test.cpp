#include "tokenizers/stages/bert_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace zoo {
namespace {

using ::testing::ElementsAre;

std::string normalized(const std::string& text, BertNormalizerOptions options = {}) {
  AlignedText aligned(text, 0, true);
  make_bert_normalizer(options)->apply(aligned);
  return aligned.text();
}

constexpr BertNormalizerOptions kNothing = {
    .clean_text = false, .handle_chinese_chars = false, .strip_accents = false, .lowercase = false};

std::vector<std::string> words(const std::string& text) {
  PreTokens pre{AlignedText(text, 0, true), {{0, text.size()}}};
  make_bert_pre_tokenizer()->apply(pre);
  std::vector<std::string> words;
  for (const Span& word : pre.words) {
    words.push_back(pre.text.text().substr(word.begin, word.end - word.begin));
  }
  return words;
}

TEST(BertRulesTest, SortCharactersAsTheReferenceDoes) {
  EXPECT_TRUE(bert::is_whitespace('\t') && bert::is_whitespace(0x3000) &&
              bert::is_whitespace(0x85));
  EXPECT_FALSE(bert::is_whitespace(0x200B) || bert::is_whitespace('a'));
  EXPECT_TRUE(bert::is_control(0) && bert::is_control(0xAD) && bert::is_control(0xE000));
  EXPECT_FALSE(bert::is_control('\t') || bert::is_control('\n') || bert::is_control('\r'));
  EXPECT_TRUE(bert::is_punctuation('$') && bert::is_punctuation('`') && bert::is_punctuation(0xBF));
  EXPECT_FALSE(bert::is_punctuation(0xA3) || bert::is_punctuation('0'));
  EXPECT_TRUE(bert::is_chinese(0x4E00) && bert::is_chinese(0x20000) && bert::is_chinese(0xF900));
  EXPECT_FALSE(bert::is_chinese(0x3042) || bert::is_chinese(0xAC00));
  EXPECT_TRUE(bert::is_accent(0x301));
  EXPECT_FALSE(bert::is_accent(0x93F));  // a vowel sign that takes room: category Mc
}

TEST(BertNormalizerTest, DoesAllByDefault) {
  EXPECT_EQ(normalized("H\u00E9llo\tW\u00D6RLD\u6F22\u00AD!"), "hello world \u6F22 !");
}

TEST(BertNormalizerTest, EachOptionStandsForItself) {
  const std::string text = "\u00C9\t\u6F22\u200B";
  BertNormalizerOptions options = kNothing;
  EXPECT_EQ(normalized(text, options), text);
  options.clean_text = true;
  EXPECT_EQ(normalized(text, options), "\u00C9 \u6F22");
  options = kNothing;
  options.handle_chinese_chars = true;
  EXPECT_EQ(normalized(text, options), "\u00C9\t \u6F22 \u200B");
  options = kNothing;
  options.strip_accents = true;
  EXPECT_EQ(normalized(text, options), "E\t\u6F22\u200B");
  options = kNothing;
  options.lowercase = true;
  EXPECT_EQ(normalized(text, options), "\u00E9\t\u6F22\u200B");
}

TEST(BertNormalizerTest, PlacesAreThoseOfTheUsersText) {
  AlignedText text("\u00AD\u00C9a\u6F22", 0, true);  // soft hyphen, É, a, 漢
  make_bert_normalizer({})->apply(text);
  EXPECT_EQ(text.text(), "ea \u6F22 ");
  EXPECT_EQ(text.origin(0, 1), (Span{2, 4}));
  EXPECT_EQ(text.origin(1, 2), (Span{4, 5}));
  EXPECT_EQ(text.origin(2, 3), (Span{5, 8}));
  EXPECT_EQ(text.origin(3, 6), (Span{5, 8}));
  EXPECT_EQ(text.origin(6, 7), (Span{5, 8}));
}

TEST(BertPreTokenizerTest, CutsAtSpacesAndAroundPunctuation) {
  EXPECT_THAT(words("Hey friend!     How are you?!?"),
              ElementsAre("Hey", "friend", "!", "How", "are", "you", "?", "!", "?"));
  EXPECT_THAT(words("don't$5"), ElementsAre("don", "'", "t", "$", "5"));
  EXPECT_THAT(words("\u00BFqu\u00E9?\u3000\u6F22\u3002"),
              ElementsAre("\u00BF", "qu\u00E9", "?", "\u6F22", "\u3002"));
  EXPECT_THAT(words(" \t\n"), ElementsAre());
  EXPECT_THAT(words(""), ElementsAre());
}

TEST(BertPreTokenizerTest, KeepsCutsThatAreThereAlready) {
  PreTokens pre{AlignedText("ab cd", 0, true), {{0, 1}, {1, 4}}};
  make_bert_pre_tokenizer()->apply(pre);
  EXPECT_THAT(pre.words, ElementsAre(Span{0, 1}, Span{1, 2}, Span{3, 4}));
}

TEST(BertPreTokenizerTest, BytesThatAreNoUtf8BelongToWords) {
  EXPECT_THAT(words("a\xFF b\x80"), ElementsAre("a\xFF", "b\x80"));
}

}  // namespace
}  // namespace zoo
