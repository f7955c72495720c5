#include "infer/scores/ter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "infer/scores/edit_distance.h"
#include "infer/scores/score_text.h"
#include "infer/scores/translation_edits.h"

namespace zoo {
namespace {

using ::testing::ElementsAre;
using Texts = std::vector<std::string>;

double ter(std::string_view hypothesis, const Texts& references, const TerOptions& o = {}) {
  return sentence_score(Ter(o), hypothesis, references).value;
}

Texts ter_words_of(std::string_view text, const TerOptions& o) {
  Texts list;
  for (const auto& word : ter_words(text, o)) list.push_back(to_utf8(word));
  return list;
}

TEST(TerTest, SnoversExampleMovesTwoWordsAtOnce) {
  // §3: four edits to thirteen words: one move, two words replaced, one inserted.
  EXPECT_DOUBLE_EQ(ter("THIS WEEK THE SAUDIS denied information published in the new york times",
                       {"SAUDI ARABIA denied THIS WEEK information published in the AMERICAN new "
                        "york times"}),
                   100 * 4.0 / 13);
}

TEST(TerTest, AMoveIsOneEditHoweverLong) {
  EXPECT_DOUBLE_EQ(ter("d e f g a b c", {"a b c d e f g"}), 100.0 / 7);
}

TEST(TerTest, TheCheapestReferenceCountsAndTheMeanLengthDivides) {
  EXPECT_DOUBLE_EQ(ter("a b", {"a b", "w x y z"}), 0);
  EXPECT_DOUBLE_EQ(ter("a c", {"a b", "w x y z"}), 100.0 / 3);
}

TEST(TerTest, EmptyTexts) {
  EXPECT_EQ(ter("", {""}), 0);
  EXPECT_EQ(ter("a b", {""}), 100);
  EXPECT_EQ(ter("", {"a b"}), 100);
}

TEST(TerTest, WordsByItsOptions) {
  EXPECT_THAT(ter_words_of("It's 5.5, OK?", {}), ElementsAre("it's", "5.5,", "ok?"));
  EXPECT_THAT(ter_words_of("It's 5.5, OK?", {.case_sensitive = true}),
              ElementsAre("It's", "5.5,", "OK?"));
  EXPECT_THAT(ter_words_of("It's 5.5, OK?", {.normalized = true}),
              ElementsAre("it", "'s", "5.5", ",", "ok", "?"));
  EXPECT_THAT(ter_words_of("a.b (c)", {.no_punctuation = true}), ElementsAre("ab", "c"));
  EXPECT_THAT(ter_words_of("東京。カナ", {.normalized = true}), ElementsAre("東京。カナ"));
  EXPECT_THAT(ter_words_of("東京。カナ", {.normalized = true, .asian_support = true}),
              ElementsAre("東", "京", "。", "カナ"));
  EXPECT_THAT(ter_words_of("東京。！", {.no_punctuation = true, .asian_support = true}),
              ElementsAre("東京"));
}

TEST(EditDistanceTest, IsLevenshteinsWhereTheBeamHoldsAll) {
  std::mt19937 random(7);
  const auto draw = [&](int most) {
    WordIds words(random() % 20);
    for (auto& word : words) word = static_cast<int32_t>(random() % static_cast<unsigned>(most));
    return words;
  };
  for (int trial = 0; trial < 200; ++trial) {
    const WordIds a = draw(4), b = draw(4);
    std::vector<std::vector<int64_t>> d(a.size() + 1, std::vector<int64_t>(b.size() + 1));
    for (size_t i = 0; i <= a.size(); ++i) {
      for (size_t j = 0; j <= b.size(); ++j) {
        d[i][j] = static_cast<int64_t>(std::max(i, j));
        if (i == 0 || j == 0) continue;
        d[i][j] = std::min(
            {d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      }
    }
    EditDistance distance(b);
    EXPECT_EQ(distance(a), d[a.size()][b.size()]);
    const auto edits = distance.edits();
    EXPECT_EQ(std::ssize(edits) - std::ranges::count(edits, Edit::kKeep), distance(a));
  }
}

TEST(EditDistanceTest, RemembersNothingThatHasChanged) {
  EditDistance used({1, 2, 3, 4, 5});
  const std::vector<WordIds> turns = {
      {1, 2, 3}, {1, 5, 3}, {1, 2, 3, 4, 5}, {5, 4, 3, 2, 1}, {1, 2, 3}};
  for (const WordIds& words : turns) {
    EditDistance fresh({1, 2, 3, 4, 5});
    EXPECT_EQ(used(words), fresh(words));
    EXPECT_EQ(used.edits(), fresh.edits());
  }
}

TEST(TranslationEditsTest, LongUnlikeTextsEndSoon) {
  std::vector<std::u32string> a, b;
  for (int i = 0; i < 1500; ++i) {
    a.push_back(std::u32string(1, static_cast<char32_t>('a' + i % 7)));
    b.push_back(std::u32string(1, static_cast<char32_t>('a' + i * i % 11)));
  }
  EXPECT_GT(count_translation_edits(a, b), 0);
  EXPECT_EQ(count_translation_edits(a, {}), 1500);
  EXPECT_EQ(count_translation_edits({a[0]}, a), 1499);
}

}  // namespace
}  // namespace zoo
