// What --trace writes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tokenizers/training/merge_trace.h"

namespace zoo {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> trace(const WordCounts& words, int64_t merges,
                               const BpeAlphabet& alphabet = {}) {
  BpeTrainer trainer(start_bpe(words, alphabet), {.prefix = alphabet.prefix});
  std::vector<std::string> lines;
  MergeTrace trace(trainer, merges, [&](const std::string& line) { lines.push_back(line); });
  while (const auto merge = trainer.next()) trace.add(*merge);
  return lines;
}

WordCounts classroom() {
  WordCounts words;
  words.add("newest", 6);
  words.add("low", 5);
  words.add("widest", 3);
  words.add("lower", 2);
  words.add("\n", 16);
  return words;
}

TEST(MergeTraceTest, ReadsAsOnTheBlackboard) {
  EXPECT_THAT(
      trace(classroom(), 3),
      ElementsAre(
          "   l o w (5)   l o w e r (2)   n e w e s t (6)   w i d e s t (3)", "1  e s -> es (9)",
          "   l o w (5)   l o w e r (2)   n e w es t (6)   w i d es t (3)", "2  es t -> est (9)",
          "   l o w (5)   l o w e r (2)   n e w est (6)   w i d est (3)", "3  l o -> lo (7)",
          "   lo w (5)   lo w e r (2)   n e w est (6)   w i d est (3)"));
}

TEST(MergeTraceTest, ShowsTheMarksOfWordPieceAndOfWordEnds) {
  EXPECT_EQ(trace(classroom(), 1, {.prefix = "##"})[1], "1  ##e ##s -> ##es (9)");
  const auto lines = trace(classroom(), 2, {.suffix = "</w>"});
  EXPECT_EQ(lines[0],
            "   l o w</w> (5)   l o w e r</w> (2)   n e w e s t</w> (6)   w i d e s t</w> (3)");
  EXPECT_EQ(lines[3], "2  es t</w> -> est</w> (9)");
}

TEST(MergeTraceTest, NumbersStandUnderOneAnotherAndEndWithTheMerges) {
  const auto lines = trace(classroom(), 1000);
  EXPECT_THAT(lines[1], ::testing::StartsWith("   1  e s -> es (9)"));
  EXPECT_EQ(lines.size(), 2 * 12 + 1u);
  EXPECT_THAT(trace(classroom(), 0), ElementsAre());
}

TEST(MergeTraceTest, ManyWordsAreNotShown) {
  WordCounts words = classroom();
  for (char c = 'a'; c < 'k'; ++c) words.add(std::string("x") + c, 2);
  EXPECT_THAT(trace(words, 2), ElementsAre("1  e s -> es (9)", "2  es t -> est (9)"));
}

}  // namespace
}  // namespace zoo
