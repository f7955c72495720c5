#include "tokenizers/text/unicode_classes.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <array>
#include <bit>
#include <vector>

#include "tokenizers/text/code_point_set.h"

namespace zoo {
namespace {

constexpr char32_t kCodes = 0x110000;
constexpr unicode::Classes kCategories = (1ull << 29) - 1;

bool is(char32_t code, unicode::Classes classes) {
  return (unicode::classes_of(code) & classes) != 0;
}

bool is_surrogate(char32_t code) { return code >= 0xD800 && code <= 0xDFFF; }

TEST(UnicodeClassesTest, EveryCodePointHasOneCategory) {
  for (char32_t code = 0; code < kCodes; ++code) {
    ASSERT_EQ(std::popcount(unicode::classes_of(code) & kCategories), 1) << static_cast<int>(code);
  }
}

TEST(UnicodeClassesTest, CountsAreThoseOfTheReference) {
  const auto count = [](unicode::Classes classes) {
    int found = 0;
    for (char32_t code = 0; code < kCodes; ++code)
      found += !is_surrogate(code) && is(code, classes);
    return found;
  };
  EXPECT_EQ(count(unicode::kLetter), 141028);
  EXPECT_EQ(count(unicode::kLu), 1858);
  EXPECT_EQ(count(unicode::kMark), 2501);
  EXPECT_EQ(count(unicode::kNumber), 1911);
  EXPECT_EQ(count(unicode::kNumeric), 1924);  // newer than \p{N}
  EXPECT_EQ(count(unicode::kSpace), 25);
  EXPECT_EQ(count(unicode::kWord), 144667);
  EXPECT_EQ(count(unicode::kHan), 99030);
  EXPECT_EQ(count(unicode::kPunctuation), 726);
}

TEST(UnicodeClassesTest, KnownCharactersAreWhereTheyBelong) {
  EXPECT_TRUE(is('A', unicode::kLu));
  EXPECT_TRUE(is(0x1C5, unicode::kLt));   // Dz with caron
  EXPECT_TRUE(is(0x301, unicode::kMn));   // combining acute
  EXPECT_TRUE(is(0xB2, unicode::kNo));    // superscript two
  EXPECT_TRUE(is(0x2160, unicode::kNl));  // Roman one
  EXPECT_TRUE(is(0x4E2D, unicode::kHan));
  EXPECT_TRUE(is(0x85, unicode::kSpace));
  EXPECT_FALSE(is(0x180E, unicode::kSpace));  // a space until Unicode 6.3
  EXPECT_FALSE(is(0x200B, unicode::kSpace));
  EXPECT_TRUE(is('$', unicode::kPunctuation));  // as for BERT
  EXPECT_FALSE(is('$', unicode::kPo));
  EXPECT_TRUE(is(0x10FFFF, unicode::kCn));
}

TEST(UnicodeClassesTest, NamesAreThoseOfRegularExpressions) {
  EXPECT_EQ(unicode::classes_named("L"), unicode::kLetter);
  EXPECT_EQ(unicode::classes_named("Lt"), unicode::kLt);
  EXPECT_EQ(unicode::classes_named("Han"), unicode::kHan);
  EXPECT_EQ(unicode::classes_named("l"), std::nullopt);
  EXPECT_EQ(unicode::classes_named("Klingon"), std::nullopt);
}

TEST(CodePointSetTest, HoldsTheCodePointsOfItsClasses) {
  const auto letters = CodePointSet::with(unicode::kLetter);
  for (char32_t code = 0; code < kCodes; ++code) {
    ASSERT_EQ(letters.contains(code), is(code, unicode::kLetter)) << static_cast<int>(code);
  }
}

TEST(CodePointSetTest, AlgebraIsThatOfItsMembers) {
  EXPECT_TRUE(rc::check("| & ~ on random ranges", [] {
    using Range = CodePointSet::Range;
    const auto code = rc::gen::inRange<uint32_t>(0, kCodes);
    const auto random_set = [&](std::vector<Range>& ranges) {
      for (int i = *rc::gen::inRange(0, 5); i > 0; --i) {
        const char32_t first = *code;
        const char32_t size = *rc::gen::inRange<uint32_t>(0, 700);
        ranges.push_back({first, std::min<char32_t>(first + size, kCodes - 1)});
      }
      return CodePointSet::of(ranges);
    };
    std::vector<Range> a, b;
    const CodePointSet set_a = random_set(a), set_b = random_set(b);
    const auto member = [](const std::vector<Range>& ranges, char32_t c) {
      for (const Range& range : ranges) {
        if (range.first <= c && c <= range.last) return true;
      }
      return false;
    };
    std::vector<char32_t> probes = {0, 0x7F, 0xFF, 0x100, kCodes - 1, *code, *code};
    for (const auto& ranges : {a, b}) {
      for (const Range& range : ranges) {
        for (const char32_t c : std::initializer_list<char32_t>{range.first - 1, range.first,
                                                                range.last, range.last + 1}) {
          if (c < kCodes) probes.push_back(c);
        }
      }
    }
    const CodePointSet either = set_a | set_b, both = set_a & set_b, other = ~set_a;
    for (const char32_t c : probes) {
      RC_ASSERT(either.contains(c) == (member(a, c) || member(b, c)));
      RC_ASSERT(both.contains(c) == (member(a, c) && member(b, c)));
      RC_ASSERT(other.contains(c) == !member(a, c));
      RC_ASSERT(set_a.has_any(c, c) == member(a, c));
    }
    RC_ASSERT(set_a.empty() == a.empty());
    RC_ASSERT(set_a.intersects(set_b) == !both.empty());
  }));
}

}  // namespace
}  // namespace zoo
