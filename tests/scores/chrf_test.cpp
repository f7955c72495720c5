#include "infer/scores/chrf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace zoo {
namespace {

using Texts = std::vector<std::string>;

TEST(ChrfTest, CountsByHand) {
  // Characters "abcb" and "abb": a, b twice match; runs of two: ab. "abb" has no run of four.
  const auto counts = count_chrf("ab cb", Texts{"a bb"}, {.character_order = 4, .word_order = 1});
  ASSERT_EQ(counts.size(), 5U);
  EXPECT_EQ(counts[0].matches, 3);
  EXPECT_EQ(counts[1].matches, 1);
  EXPECT_EQ(counts[2].hypothesis, 2);
  EXPECT_EQ(counts[3].hypothesis, 0) << "the reference has no run of four";
  EXPECT_EQ(counts[4].matches, 0);
  // Mean precision (3/4 + 1/3 + 0 + 0) / 4 over orders 1, 2, 3 and the words; recall (1 + 1/2) / 4.
  const double p = (3.0 / 4 + 1.0 / 3) / 4, r = (1.0 + 1.0 / 2) / 4;
  EXPECT_DOUBLE_EQ(chrf_of_counts(counts), 100 * 5 * p * r / (4 * p + r));
}

TEST(ChrfTest, TheBestReferenceCounts) {
  EXPECT_DOUBLE_EQ(sentence_chrf("abcdefg", Texts{"x", "abcdefg"}), 100);
}

TEST(ChrfTest, WhiteSpaceCountsOnDemand) {
  EXPECT_DOUBLE_EQ(sentence_chrf("abcdef gh", Texts{"abc defgh"}), 100);
  EXPECT_LT(sentence_chrf("abcdef gh", Texts{"abc defgh"}, {.whitespace = true}), 90);
}

TEST(ChrfTest, NothingHasNoScore) {
  EXPECT_EQ(sentence_chrf("", Texts{""}), 0);
  EXPECT_EQ(sentence_chrf("abc", Texts{""}), 0);
}

TEST(ChrfTest, SaysWhatItIs) {
  EXPECT_EQ(chrf_name({.word_order = 2}), "chrF2++");
  EXPECT_EQ(chrf_signature(3), "nrefs:3|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.6.0+zoo");
}

}  // namespace
}  // namespace zoo
