#include "infer/scores/chrf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace zoo {
namespace {

using Texts = std::vector<std::string>;

double chrf(std::string_view hypothesis, const Texts& references, const ChrfOptions& o = {}) {
  return sentence_score(Chrf(o), hypothesis, references).value;
}

TEST(ChrfTest, CountsByHand) {
  // Characters "abcb" and "abb": a, b twice match; runs of two: ab. "abb" has no run of four.
  const Chrf metric({.character_order = 4, .word_order = 1});
  const auto counts = metric.count("ab cb", Texts{"a bb"});
  EXPECT_THAT(counts, ::testing::ElementsAre(4, 3, 3,  //
                                             3, 2, 1,  //
                                             2, 1, 0,  //
                                             0, 0, 0,  // the reference has no run of four
                                             2, 2, 0));
  // Mean precision (3/4 + 1/3 + 0 + 0) / 4 over orders 1, 2, 3 and the words; recall (1 + 1/2) / 4.
  const double p = (3.0 / 4 + 1.0 / 3) / 4, r = (1.0 + 1.0 / 2) / 4;
  EXPECT_DOUBLE_EQ(metric.score(counts).value, 100 * 5 * p * r / (4 * p + r));
}

TEST(ChrfTest, TheBestReferenceCounts) { EXPECT_DOUBLE_EQ(chrf("abcdefg", {"x", "abcdefg"}), 100); }

TEST(ChrfTest, WhiteSpaceCountsOnDemand) {
  EXPECT_DOUBLE_EQ(chrf("abcdef gh", {"abc defgh"}), 100);
  EXPECT_LT(chrf("abcdef gh", {"abc defgh"}, {.whitespace = true}), 90);
}

TEST(ChrfTest, NothingHasNoScore) {
  EXPECT_EQ(chrf("", {""}), 0);
  EXPECT_EQ(chrf("abc", {""}), 0);
}

TEST(ChrfTest, BetaWeighsRecall) {  // all of the reference is there, and as much again
  EXPECT_DOUBLE_EQ(chrf("ab", {"a"}, {.character_order = 1, .beta = 1}), 100 * 2.0 / 3);
  EXPECT_DOUBLE_EQ(chrf("ab", {"a"}, {.character_order = 1, .beta = 0}), 50);
}

TEST(ChrfTest, SaysWhatItIs) {
  EXPECT_EQ(Chrf({.word_order = 2}).name(), "chrF2++");
  EXPECT_EQ(Chrf({.beta = 0.5}).name(), "chrF0.5");
  EXPECT_EQ(Chrf().rules(), "case:mixed|eff:yes|nc:6|nw:0|space:no");
}

TEST(ChrfTest, RefusesWhatMeansNothing) {
  EXPECT_THROW(Chrf({.character_order = 0}), std::invalid_argument);
  EXPECT_THROW(Chrf({.character_order = -1, .word_order = 2}), std::invalid_argument);
  EXPECT_THROW(Chrf({.word_order = 1'000'000}), std::invalid_argument);
  EXPECT_THROW(Chrf({.beta = std::numeric_limits<double>::quiet_NaN()}), std::invalid_argument);
}

}  // namespace
}  // namespace zoo
