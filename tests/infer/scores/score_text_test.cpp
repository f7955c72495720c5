#include "infer/scores/score_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace zoo {
namespace {

using ::testing::ElementsAre;

TEST(ScoreTextTest, SplitsAtUnicodesWhiteSpace) {
  EXPECT_THAT(split_words(U"\u3000a\u00A0b\x1C\x85 c\u2028"), ElementsAre(U"a", U"b", U"c"));
  EXPECT_THAT(split_words(U"a\u200Bb"), ElementsAre(U"a\u200Bb"));  // no white space
  EXPECT_TRUE(split_words(U" \t").empty());
}

TEST(ScoreTextTest, CutsTheEndAlone) {
  EXPECT_EQ(without_trailing_space(U" a \u2003\n"), U" a");
  EXPECT_EQ(without_trailing_space(U"\u2003"), U"");
  EXPECT_EQ(without_outer_space(U" \u3000a b \n"), U"a b");
}

TEST(ScoreTextTest, LowersTheSigmaByItsPlace) {
  EXPECT_EQ(lower_case(U"ΣΑΣ"), U"σας");
  EXPECT_EQ(lower_case(U"Σ"), U"σ");
  EXPECT_EQ(lower_case(U"ΑΣ'Α ΑΣ'."), U"ασ'α ας'.");
}

TEST(ScoreTextTest, LowersTheDottedCapital) { EXPECT_EQ(lower_case(U"İI"), U"i\u0307i"); }

TEST(ScoreTextTest, ReadsBrokenBytesAsTheReplacementCharacter) {
  EXPECT_EQ(to_code_points("a\xFF"), U"a\uFFFD");
}

}  // namespace
}  // namespace zoo
