#include "tokenizers/text/normalization.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <string>

#include "tokenizers/text/graphemes.h"
#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

std::string utf8_of(const std::u32string& codes) {
  std::string text;
  for (const char32_t code : codes) text += utf8::encode(code);
  return text;
}

std::string in_form(const std::u32string& codes, NormalForm form) {
  AlignedText text(utf8_of(codes), 0, false);
  normalize(text, form);
  return text.text();
}

std::string nfc(const std::u32string& codes) { return in_form(codes, NormalForm::kNfc); }
std::string nfd(const std::u32string& codes) { return in_form(codes, NormalForm::kNfd); }
std::string nfkd(const std::u32string& codes) { return in_form(codes, NormalForm::kNfkd); }

std::string lower(const std::u32string& codes) {
  AlignedText text(utf8_of(codes), 0, false);
  lowercase(text);
  return text.text();
}

TEST(NormalizationTest, TakesComposedCharactersApartAndPutsThemTogether) {
  EXPECT_EQ(nfd(U"\u00E9"), utf8_of(U"e\u0301"));
  EXPECT_EQ(nfc(U"e\u0301"), utf8_of(U"\u00E9"));
  EXPECT_EQ(nfd(U"\u1EA5"), utf8_of(U"a\u0302\u0301"));  // in two steps: â and its accent
  EXPECT_EQ(nfc(U"a\u0302\u0301"), utf8_of(U"\u1EA5"));
  EXPECT_EQ(nfc(U"plain ASCII stays"), "plain ASCII stays");
}

TEST(NormalizationTest, OrdersMarksByTheirClassAndKeepsEqualOnesInOrder) {
  EXPECT_EQ(nfd(U"q\u0307\u0323"), utf8_of(U"q\u0323\u0307"));  // the one below comes first
  EXPECT_EQ(nfd(U"q\u0301\u0300"), utf8_of(U"q\u0301\u0300"));
  EXPECT_EQ(nfd(U"\u0301\u0323"), utf8_of(U"\u0323\u0301"));  // without a letter, too
}

TEST(NormalizationTest, AMarkComposesPastOthersUnlessOneOfItsClassStandsBetween) {
  EXPECT_EQ(nfc(U"e\u0302\u0323"), utf8_of(U"\u1EC7"));
  EXPECT_EQ(nfc(U"e\u0323\u0301"), utf8_of(U"\u1EB9\u0301"));
  EXPECT_EQ(nfc(U"a\u0315\u0300"), utf8_of(U"\u00E0\u0315"));  // classes 230 and 232
  EXPECT_EQ(nfc(U"c\u0301\u0301"), utf8_of(U"\u0107\u0301"));
  EXPECT_EQ(nfc(U"q\u0301\u0301"), utf8_of(U"q\u0301\u0301"));
}

TEST(NormalizationTest, LeavesExcludedCharactersApart) {
  EXPECT_EQ(nfc(U"\u0958"), utf8_of(U"\u0915\u093C"));  // a script's own choice
  EXPECT_EQ(nfc(U"\u212B"), utf8_of(U"\u00C5"));        // the Ångström sign is a letter
  EXPECT_EQ(nfc(U"\u0344"), utf8_of(U"\u0308\u0301"));
  EXPECT_EQ(nfc(U"\u2ADC"), utf8_of(U"\u2ADD\u0338"));
}

TEST(NormalizationTest, ComputesHangul) {
  EXPECT_EQ(nfd(U"\uD55C"), utf8_of(U"\u1112\u1161\u11AB"));
  EXPECT_EQ(nfc(U"\u1112\u1161\u11AB"), utf8_of(U"\uD55C"));
  EXPECT_EQ(nfc(U"\uAC00\u11A8"), utf8_of(U"\uAC01"));
  EXPECT_EQ(nfc(U"\uAC00\u11A7"), utf8_of(U"\uAC00\u11A7"));  // one before the first tail
  EXPECT_EQ(nfc(U"\uAC01\u11A8"), utf8_of(U"\uAC01\u11A8"));
}

TEST(NormalizationTest, CompatibilityFormsLoseTheLook) {
  EXPECT_EQ(nfkd(U"\uFB01 \u2460 \u00BD \uFF21"), utf8_of(U"fi 1 1\u20442 A"));
  EXPECT_EQ(in_form(U"\u1E9B\u0323", NormalForm::kNfkc), utf8_of(U"\u1E69"));  // UAX #15, figure 6
  EXPECT_EQ(in_form(U"\u1E9B\u0323", NormalForm::kNfc), utf8_of(U"\u1E9B\u0323"));
}

TEST(NormalizationTest, LowerCaseKnowsNoContext) {
  EXPECT_EQ(lower(U"\u039F\u0394\u039F\u03A3"), utf8_of(U"\u03BF\u03B4\u03BF\u03C3"));
  EXPECT_EQ(lower(U"\u0130I"), utf8_of(U"i\u0307i"));
  EXPECT_EQ(lower(U"\u1E9E \u023A \u212A \U00010400"), utf8_of(U"\u00DF \u2C65 k \U00010428"));
}

TEST(NormalizationTest, BytesThatAreNoUtf8Stay) {
  for (const NormalForm form : {NormalForm::kNfd, NormalForm::kNfc}) {
    AlignedText text(
        "\xFF\xCC\x81\x80"
        "e\xCC\x81\xC3",
        0, true);
    normalize(text, form);
    lowercase(text);
    remove_characters(text, [](char32_t code) { return code == 0xFFFD; });
    EXPECT_EQ(text.text(), form == NormalForm::kNfd ? "\xFF\xCC\x81\x80"
                                                      "e\xCC\x81\xC3"
                                                    : "\xFF\xCC\x81\x80\xC3\xA9\xC3");
  }
}

TEST(NormalizationTest, LongRunsOfMarksAreNoTrouble) {
  std::u32string marks = U"a";
  for (int i = 0; i < 200'000; ++i) marks += i % 2 == 0 ? U"\u0301" : U"\u0323";
  const std::string text = nfc(marks);
  EXPECT_TRUE(text.starts_with(utf8_of(U"\u1EA1\u0323")));
  EXPECT_TRUE(text.ends_with(utf8_of(U"\u0301")));
}

TEST(NormalizationTest, PlacesFollowTheCharactersOrderOfTheText) {
  // e, dot below and accent: the composed one takes the place of the e; the accent, which stood in
  // the é, that of the last character taken.
  AlignedText text("\xC3\xA9\xCC\xA3z", 0, true);  // é, U+0323, z
  normalize(text, NormalForm::kNfc);
  EXPECT_EQ(text.text(), "\xE1\xBA\xB9\xCC\x81z");
  EXPECT_EQ(text.origin(0, 3), (Span{0, 2}));
  EXPECT_EQ(text.origin(3, 5), (Span{2, 4}));
  EXPECT_EQ(text.origin(5, 6), (Span{4, 5}));
}

// ---- Laws
// ----------------------------------------------------------------------------------------
/// Letters, marks, jamo and characters that decompose, close together.
std::u32string random_text() {
  static const std::u32string kSome =
      U"aeqK \u00E9\u1EC7\u0301\u0302\u0323\u0327\u0315\u0345\u0344\u0F71\u0F72\u0F73\u0F75\u212B"
      U"\u1112\u1161\u11AB\uAC00\uAC01\u0958\u0915\u093C\uFB01\u1E9B\uFF8A\uFF9E\u0130\u03A3\u2ADC"
      U"\U0001D15E\U0001D165\U000E0100\U0002F81A\u3099\u30AB\u09C7\u09BE";
  return *rc::gen::container<std::u32string>(
      rc::gen::oneOf(rc::gen::elementOf(kSome), rc::gen::inRange<char32_t>(0xA0, 0xD7FF),
                     rc::gen::inRange<char32_t>(0xE000, 0x110000)));
}

std::string again(const std::string& text, NormalForm form) {
  AlignedText aligned(text, 0, false);
  normalize(aligned, form);
  return aligned.text();
}

TEST(NormalizationTest, FormsAreStableAndAgree) {
  EXPECT_TRUE(rc::check("UAX #15, section 1.2", [] {
    using enum NormalForm;
    const std::u32string text = random_text();
    for (const NormalForm form : {kNfc, kNfd, kNfkc, kNfkd}) {
      RC_ASSERT(again(in_form(text, form), form) == in_form(text, form));
    }
    RC_ASSERT(again(in_form(text, kNfd), kNfc) == in_form(text, kNfc));
    RC_ASSERT(again(in_form(text, kNfc), kNfd) == in_form(text, kNfd));
    RC_ASSERT(again(in_form(text, kNfc), kNfkd) == in_form(text, kNfkd));
    RC_ASSERT(again(in_form(text, kNfkd), kNfc) == in_form(text, kNfkc));
  }));
}

TEST(NormalizationTest, PlacesAreInOrderAndInsideTheText) {
  EXPECT_TRUE(rc::check("spans never go back", [] {
    const std::string bytes = utf8_of(random_text());
    for (const NormalForm form : {NormalForm::kNfc, NormalForm::kNfkd}) {
      AlignedText text(bytes, 7, true), untracked(bytes, 7, false);
      normalize(text, form);
      lowercase(text);
      normalize(untracked, form);
      lowercase(untracked);
      RC_ASSERT(text.text() == untracked.text());
      Span last{7, 7};
      for (size_t i = 0; i < text.text().size(); ++i) {
        const Span span = text.origin(i, i + 1);
        RC_ASSERT(span.begin >= last.begin && span.end >= last.end && span.begin < span.end);
        RC_ASSERT(span.end <= 7 + bytes.size());
        last = span;
      }
    }
  }));
}

TEST(GraphemesTest, ClustersAreWhatReadersSee) {
  for (const std::u32string cluster :
       {U"a", U"e\u0301\u0323", U"\r\n", U"\uD55C", U"\u1112\u1161\u11AB", U"\u0E01\u0E33",
        U"\u0915\u094D\u0937\u093F", U"\U0001F469\u200D\U0001F467", U"\u2764\uFE0F",
        U"\u0600\u0661"}) {
    EXPECT_EQ(first_grapheme(utf8_of(cluster + U"b")), utf8_of(cluster).size()) << utf8_of(cluster);
  }
  EXPECT_EQ(first_grapheme("\n\xCC\x81"), 1u);
  EXPECT_EQ(first_grapheme("a\xFF\xCC\x81"), 1u);
  EXPECT_EQ(first_grapheme("\xFF\xCC\x81"), 1u);
}

}  // namespace
}  // namespace zoo
