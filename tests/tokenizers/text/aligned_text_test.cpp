#include "tokenizers/text/aligned_text.h"

#include <gtest/gtest.h>

namespace zoo {
namespace {

TEST(AlignedTextTest, KnowsEveryByteOfAnUnchangedText) {
  const AlignedText text("abc", 10, true);
  EXPECT_EQ(text.origin(0, 3), (Span{10, 13}));
  EXPECT_EQ(text.origin(1, 2), (Span{11, 12}));
}

TEST(AlignedTextTest, APartOfACharacterHasThePlaceOfTheWhole) {
  const AlignedText text("a\xC3\xA9z", 0, true);  // aéz
  EXPECT_EQ(text.origin(1, 2), (Span{1, 3}));
  EXPECT_EQ(text.origin(2, 3), (Span{1, 3}));
}

TEST(AlignedTextTest, EditsKeepThePlaceOfWhatTheyReplace) {
  AlignedText text("a\xC3\xA9z", 5, true);  // é becomes e and a mark; z goes
  AlignedText::Editor editor(text);
  editor.keep(1);
  editor.replace(2, "e");
  editor.insert("\xCC\x81");
  editor.skip(1);
  editor.finish();
  EXPECT_EQ(text.text(), "ae\xCC\x81");
  EXPECT_EQ(text.origin(0, 1), (Span{5, 6}));
  EXPECT_EQ(text.origin(1, 2), (Span{6, 8}));
  EXPECT_EQ(text.origin(2, 4), (Span{6, 8}));
  EXPECT_EQ(text.origin(0, 4), (Span{5, 8}));
}

TEST(AlignedTextTest, WhatIsPutInFrontSharesThePlaceOfWhatFollows) {
  AlignedText text("ab", 3, true);
  AlignedText::Editor editor(text);
  editor.insert_before(" ");
  editor.finish();
  EXPECT_EQ(text.text(), " ab");
  EXPECT_EQ(text.origin(0, 1), (Span{3, 4}));
  EXPECT_EQ(text.origin(0, 2), (Span{3, 4}));
}

TEST(AlignedTextTest, SeveralEditsOneAfterAnotherStillPointToTheUsersText) {
  AlignedText text("xyz", 0, true);
  for (int time = 0; time < 3; ++time) {  // each time the first character is doubled
    AlignedText::Editor editor(text);
    editor.keep(1);
    editor.insert("x");
    editor.finish();
  }
  EXPECT_EQ(text.text(), "xxxxyz");
  EXPECT_EQ(text.origin(0, 4), (Span{0, 1}));
  EXPECT_EQ(text.origin(4, 6), (Span{1, 3}));
}

TEST(AlignedTextTest, APartKeepsItsPlaces) {
  AlignedText text("abcd", 100, true);
  AlignedText::Editor editor(text);
  editor.replace(2, "X");
  editor.finish();
  const AlignedText part = text.part(1, 3);
  EXPECT_EQ(part.text(), "cd");
  EXPECT_EQ(part.begin(), 102u);
  EXPECT_EQ(part.origin(0, 1), (Span{102, 103}));
  EXPECT_EQ(part.origin(0, 2), (Span{102, 104}));
}

}  // namespace
}  // namespace zoo
