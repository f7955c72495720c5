#include "tokenizers/text/regex.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "tokenizers/stages/split_patterns.h"
#include "tokenizers/text/regex_library.h"
#include "tokenizers/text/regex_program.h"
#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::ThrowsMessage;
using Words = std::vector<std::string>;

constexpr auto kRust = Regex::Dialect::kRust;

Words matches(std::string_view pattern, std::string_view text,
              Regex::Dialect dialect = Regex::Dialect::kOniguruma) {
  const Regex regex(pattern, dialect);
  Words found;
  Regex::Matches all(regex, text);
  for (Span span; all.next(span);)
    found.emplace_back(text.substr(span.begin, span.end - span.begin));
  return found;
}

TEST(RegexTest, TakesTheFirstAlternativeThatLeadsToAMatch) {
  EXPECT_THAT(matches("a|ab", "ab"), ElementsAre("a"));
  EXPECT_THAT(matches("(?:a|ab)c", "abc"), ElementsAre("abc"));
  EXPECT_THAT(matches("ab|a|b", "aab"), ElementsAre("a", "ab"));
}

TEST(RegexTest, RepeatsGreedilyLazilyAndPossessively) {
  EXPECT_THAT(matches("a+b", "aaab"), ElementsAre("aaab"));
  EXPECT_THAT(matches("a+a", "aaa"), ElementsAre("aaa"));
  EXPECT_THAT(matches("a+?", "aaa"), ElementsAre("a", "a", "a"));
  EXPECT_THAT(matches("a*?b", "aab"), ElementsAre("aab"));
  EXPECT_THAT(matches("a++a", "aaa"), IsEmpty());
  EXPECT_THAT(matches("(?>a+|b)a", "aaaba"), ElementsAre("ba"));
  EXPECT_THAT(matches("a{2,3}", "aaaaaa a"), ElementsAre("aaa", "aaa"));
  EXPECT_THAT(matches("a{,2}b", "aaab"), ElementsAre("aab"));
  EXPECT_THAT(matches("(?:ab?){2}", "aab"), ElementsAre("aab"));
  EXPECT_THAT(matches("(?:ab){1,}?a", "ababa"), ElementsAre("aba"));
}

TEST(RegexTest, LooksAround) {
  EXPECT_THAT(matches(R"(\s+(?!\S))", "a   b"), ElementsAre("  "));
  EXPECT_THAT(matches("a(?=b)", "aab"), ElementsAre("a"));
  EXPECT_THAT(matches("(?<=a)b", "ab b"), ElementsAre("b"));
  EXPECT_THAT(matches("(?<!é)b", "éb b"), ElementsAre("b"));
  EXPECT_THAT(matches("(?<=éa|ab)c", "éac abc c"), ElementsAre("c", "c"));
}

// The words of Oniguruma and of Rust are found by their engines.
TEST(RegexTest, WordsHaveEdges) {
  EXPECT_THAT(matches(R"(\b\w+\b)", "don't stop"), ElementsAre("don", "t", "stop"));
  EXPECT_THAT(matches(R"(\bfoo\b)", "foo foobar barfoo"), ElementsAre("foo"));
  EXPECT_THAT(matches(R"(\bé)", "éaé é\u0301é"), ElementsAre("é", "é"));
  EXPECT_THAT(matches(R"(a\B.)", "a- ab a\u0301"), ElementsAre("ab", "a\u0301"));
  EXPECT_THAT(matches(R"(\B)", "ab cd"), ElementsAre("", ""));
  EXPECT_THAT(matches(R"(\B)", "  "), ElementsAre("", "", ""));
  EXPECT_THAT(matches(R"(\b)", ""), IsEmpty());
  EXPECT_THAT(matches(R"((?i:\ba))", "A ba"), ElementsAre("A"));
  EXPECT_THAT(matches(R"(a\b)", "a\xFF a\xC3\xA9 a\xC3"), ElementsAre("a", "a"));
  EXPECT_THAT(matches(R"(\b.)", "\xFF\x61\xFF"), ElementsAre("a", "\xFF"));
  EXPECT_THAT(matches(R"(a\b)", "a² a\u200D"), ElementsAre("a"));
  EXPECT_THAT(matches(R"(a\b)", "a² a\u200D", kRust), ElementsAre("a"));
  const Regex oniguruma(R"(a\b)"), rust(R"(a\b)", kRust);
  Span span;
  EXPECT_FALSE(Regex::Matches(oniguruma, "a²").next(span));
  EXPECT_TRUE(Regex::Matches(rust, "a²").next(span));
}

TEST(RegexTest, ClassesAreSets) {
  EXPECT_THAT(matches("[a-cx]+", "abxyc"), ElementsAre("abx", "c"));
  EXPECT_THAT(matches("[^a\\s]+", "ab c"), ElementsAre("b", "c"));
  EXPECT_THAT(matches("[]a-]+", "a-]b"), ElementsAre("a-]"));
  EXPECT_THAT(matches("[^(\\s|[.,])]+", "a.b|c d"), ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(matches("[a-z&&[^aeiou]]+", "hello"), ElementsAre("h", "ll"));
  EXPECT_THAT(matches(R"([\p{Lu}\p{M}]+)", "aÉ\u0301b"), ElementsAre("É\u0301"));
  EXPECT_THAT(matches(R"(\P{L}+)", "a12b"), ElementsAre("12"));
  EXPECT_THAT(matches(R"(\p{^L}+)", "a12b"), ElementsAre("12"));
  EXPECT_THAT(matches(R"([\x{1F600}-\x{1F64F}\u0041]+)", "A😀a"), ElementsAre("A😀"));
  EXPECT_THAT(matches(".", "a\né"), ElementsAre("a", "é"));
}

// Found by putting all code points to both engines: s also matches the long s, k the Kelvin sign.
TEST(RegexTest, CaseOfAsciiIsIgnoredAsTheReferenceDoes) {
  EXPECT_THAT(matches("(?i:'s|'t)", "'S 't 'ſ"), ElementsAre("'S", "'t", "'ſ"));
  EXPECT_THAT(matches("(?i:[a-k])", "Kk\u212Az"), ElementsAre("K", "k", "\u212A"));
  EXPECT_THAT(matches("(?i:[^s])", "sSſx"), ElementsAre("x"));
  EXPECT_THAT(matches("(?i:a(?-i:b))c", "Abc ABc AbC"), ElementsAre("Abc"));
  EXPECT_THAT(matches("(?i)ab", "aB"), ElementsAre("aB"));
}

TEST(RegexTest, DialectsDifferWhereTheEnginesDo) {
  EXPECT_THAT(matches("a$", "a\na"), ElementsAre("a", "a"));
  EXPECT_THAT(matches("a$", "a\na", kRust), ElementsAre("a"));
  EXPECT_THAT(matches("^a", "a\na"), ElementsAre("a", "a"));
  EXPECT_THAT(matches("^a", "a\na", kRust), ElementsAre("a"));
  EXPECT_THAT(matches("1{1,2}+1", "1111"), ElementsAre("1111"));
  EXPECT_THAT(matches("1{1,2}+1", "1111", kRust), ElementsAre("111"));
  EXPECT_THAT(matches(R"(\w)", "²\u200D"), ElementsAre("²"));
  EXPECT_THAT(matches(R"(\w)", "²\u200D", kRust), ElementsAre("\u200D"));
  EXPECT_THAT(matches(R"([\w])", "²\u200D"), IsEmpty());
}

TEST(RegexTest, EmptyMatchesStandBetweenOthers) {
  EXPECT_THAT(matches("a*", "baab"), ElementsAre("", "aa", ""));
  EXPECT_THAT(matches("", "é"), ElementsAre("", ""));
  EXPECT_THAT(matches("(?=b)", "ab"), ElementsAre(""));
}

TEST(RegexTest, InvalidBytesCountAsReplacementCharacters) {
  EXPECT_THAT(matches(R"([^\p{L}]+)", "a\xFF\xE2\x82z"), ElementsAre("\xFF\xE2\x82"));
  EXPECT_THAT(matches("\uFFFD", "\xF0\x9F\x98"), IsEmpty());  // three bytes as they are written
  EXPECT_THAT(matches("[\uFFFD]", "\xF0\x9F"), ElementsAre("\xF0", "\x9F"));
  EXPECT_THAT(matches(".a", "\xE2\x82\x61"), ElementsAre("\x82\x61"));
  EXPECT_THAT(matches(".+b",
                      "\xC3\xC3\xA9"
                      "b\xC3"),
              ElementsAre("\xC3\xC3\xA9"
                          "b"));
}

TEST(RegexTest, WhatTheMatcherDoesNotKnowIsRefusedWithItsPlace) {
  const auto refuses = [](std::string_view pattern, const std::string& why,
                          Regex::Dialect dialect = Regex::Dialect::kOniguruma) {
    EXPECT_THAT([&] { regex::compile(regex::parse(pattern, dialect), pattern); },
                ThrowsMessage<std::runtime_error>(::testing::AllOf(
                    HasSubstr(why), HasSubstr("at its byte"), Not(HasSubstr("\n")))))
        << pattern;
  };
  refuses("ab(c", "byte 4 (''): '(' without ')'");
  refuses("a)", "byte 1 (')'): ')' without '('");
  refuses("[ab", "'[' without ']'");
  refuses("a|*", "nothing to repeat");
  refuses("a**", "one repetition upon another");
  refuses("a{2}?", "write what is meant");
  refuses("a{3,2}", "in order");
  refuses("a{100001}", "at most 100000");
  refuses("(a)\\1", "escape");
  refuses("[\\b]", "escape");
  refuses("\\b+", "no length");
  refuses("\\p{Klingon}", "no such class");
  refuses("\\pL", "braces");
  refuses("[[:alpha:]]", "[:name:]", kRust);
  refuses("[[:odd:]]", "no such class");
  refuses("[z-a]", "in order");
  refuses("[\\d-z]", "range");
  refuses("[a-\\d]", "escape");
  refuses("(?x: a)", "such a group");
  refuses("(?i:straße)", "ligature");
  refuses("(?i:first)", "ligature");
  refuses("(?i:\\p{Lu})", "without case");
  refuses("(?:a*)*", "can match nothing");
  refuses("(?<=a+)b", "fixed length");
  refuses("a{b", "\\{", kRust);
  refuses("\xFF", "UTF-8");
  refuses("\n(", "'('");
  refuses(std::string(1000, '('), "too deeply");
  refuses(std::string(1000, '['), "too deeply");
  refuses("(?:ab){5000}", "too large");
  refuses("\\", "too early");
  refuses("\\x{110000}", "code point");
}

// What the `tokenizers` package 0.23.3 finds.
TEST(RegexTest, WhatTheMatcherDoesNotKnowIsLeftToOniguruma) {
  EXPECT_THAT(matches(R"((\w)\1)", "aab bb cdc"), ElementsAre("aa", "bb"));
  EXPECT_THAT(matches(R"((?<n>a|b)c\k<n>)", "aca bcb acb"), ElementsAre("aca", "bcb"));
  EXPECT_THAT(matches(R"(\X)", "e\u0301a\r\n🇫🇷x"), ElementsAre("e\u0301", "a", "\r\n", "🇫🇷", "x"));
  EXPECT_THAT(matches(R"(\R)", "a\r\nb\nc"), ElementsAre("\r\n", "\n"));
  EXPECT_THAT(matches("(?<=a+|x)b", "ab aab xb cb"), ElementsAre("b", "b", "b"));
  EXPECT_THAT(matches("a{2}?", "aaaaa"), ElementsAre("aa", "aa", ""));
  EXPECT_THAT(matches("a\\K.", "ab ac"), ElementsAre("b", "c"));
  EXPECT_THAT(matches("(?x: a b # [c\n)", "ab"), ElementsAre("ab"));
  EXPECT_THAT(matches("(?i)st", "ﬆ ST st"), ElementsAre("ﬆ", "ST", "st"));
  EXPECT_THAT(matches("(?i:straße)", "STRASSE straße"), ElementsAre("STRASSE", "straße"));
}

TEST(RegexTest, OnigurumaSeesTheReferencesUnicode) {
  EXPECT_THAT(matches(R"((?i:\p{Lu}))", "aB1Éé"), ElementsAre("B", "É"));
  // Kawi, Unicode 15: Debian 12's library does not know it.
  EXPECT_THAT(matches(R"((\p{Kawi})\1)", "a𑼂𑼂b"), ElementsAre("𑼂𑼂"));
  EXPECT_THAT(matches(R"(([[:punct:]])\1)", "a$$.+b"), ElementsAre("$$"));
  EXPECT_THAT(matches(R"(\bé+\b(?<!aé+))", "é éa éé"), ElementsAre("é", "éé"));
  EXPECT_EQ(
      regex::with_sets_written_out(R"(\.\p{Kawi}[a-c&&b](?#\d))"),
      R"(\.[\x{11f00}-\x{11f10}\x{11f12}-\x{11f3a}\x{11f3e}-\x{11f5a}][\x{62}-\x{62}](?#\d))");
}

TEST(RegexTest, OnigurumaTakesInvalidBytesForReplacementCharacters) {
  EXPECT_THAT(matches(R"((.)\1)",
                      "\xFF\xFF"
                      "aab"),
              ElementsAre("\xFF\xFF", "aa"));
}

TEST(RegexTest, WhatOnigurumaMustNotDoIsRefused) {
  for (const char* pattern :
       {"(?{x})", "(*FAIL)", "(?W:\\w)", "(?y{g})\\X", "(?#", "(a", "\\p{Odd}"}) {
    EXPECT_THAT([&] { Regex{pattern}; },
                ThrowsMessage<std::runtime_error>(HasSubstr("at its byte")))
        << pattern;
  }
  const Regex slow(R"((a|aa)+\1c)");
  const std::string text(60, 'a');
  Regex::Matches all(slow, text);
  Span span;
  EXPECT_THAT([&] { all.next(span); }, ThrowsMessage<std::runtime_error>(HasSubstr("limit")));
}

TEST(RegexTest, PropertiesAndPosixClassesAreThoseOfThePackage) {
  EXPECT_THAT(matches("[[:punct:]]+", "a.$+b¿^"), ElementsAre(".$+", "¿^"));
  EXPECT_THAT(matches("\\p{Punct}+", "a.$+b¿^"), ElementsAre(".", "¿"));
  EXPECT_THAT(matches("[[:^alpha:]]+", "a1é2"), ElementsAre("1", "2"));
  EXPECT_THAT(matches("\\h+", "fg0AĞ"), ElementsAre("f", "0A"));
  EXPECT_THAT(matches("\\p{emoji presentation}", "a😀1"), ElementsAre("😀"));
  EXPECT_THAT(matches("\\p{cyrl}+|\\p{Uppercase_Letter}", "aBЖ"), ElementsAre("B", "Ж"));
}

TEST(RegexTest, PatternsThatGoOutOfHandStopWithAMessage) {
  const Regex doubling("(?:a+)+b"), quadratic("[a]+[a]+[a]+b");
  for (const Regex* regex : {&doubling, &quadratic}) {
    const std::string text(20'000, 'a');
    Regex::Matches all(*regex, text);
    Span span;
    EXPECT_THAT([&] { all.next(span); },
                ThrowsMessage<std::runtime_error>(HasSubstr("too many steps")));
    all.restart("aaab");
    EXPECT_TRUE(all.next(span));
  }
}

TEST(RegexTest, PublishedPatternsNeverGoOutOfHand) {
  const std::string pieces[] = {"a",    " ",  "\n", "A",  "1",       "!",  "\u0301",  "aA", " \n",
                                "\r\n", "'s", "é",  "日", "\u00A0 ", "a1", "\u0301A", "'",  "\xFF"};
  for (const std::string_view name : split_pattern_names()) {
    const Regex regex(split_pattern(name));
    for (const std::string& piece : pieces) {
      for (const char* end : {"", "x", " "}) {
        std::string text;
        while (text.size() < 100'000) text += piece;
        text += end;
        Regex::Matches all(regex, text);
        size_t covered = 0;
        for (Span span; all.next(span);) covered += span.end - span.begin;
        if (name != "clip") {
          ASSERT_EQ(covered, text.size()) << name << " on " << piece;
        }
      }
    }
  }
}

}  // namespace
}  // namespace zoo
