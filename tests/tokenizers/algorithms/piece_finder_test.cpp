#include "tokenizers/algorithms/piece_finder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <tuple>

namespace zoo {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

PieceFinder finder_of(const std::vector<std::string>& pieces) {
  std::vector<std::pair<std::string_view, int32_t>> entries;
  for (const std::string& piece : pieces) {
    entries.emplace_back(piece, static_cast<int32_t>(entries.size()));
  }
  return PieceFinder(std::move(entries));
}

/// Ends, ids and sizes in the order in which they are found.
std::vector<std::tuple<size_t, int32_t, size_t>> found_in(const PieceFinder& finder,
                                                          std::string_view text) {
  std::vector<std::tuple<size_t, int32_t, size_t>> found;
  PieceFinder::State state = PieceFinder::kStart;
  for (size_t end = 1; end <= text.size(); ++end) {
    state = finder.step(state, static_cast<unsigned char>(text[end - 1]));
    finder.for_each_ending(state,
                           [&](int32_t id, size_t size) { found.emplace_back(end, id, size); });
  }
  return found;
}

TEST(PieceFinderTest, FindsTheExampleOfAhoAndCorasick) {
  const PieceFinder finder = finder_of({"he", "she", "his", "hers"});
  EXPECT_THAT(found_in(finder, "ushers"),
              ElementsAre(std::tuple(4, 1, 3), std::tuple(4, 0, 2), std::tuple(6, 3, 4)));
}

TEST(PieceFinderTest, FindsAllPiecesThatASearchAtEveryPlaceFinds) {
  std::mt19937 random(1);
  const auto word = [&](size_t longest) {
    std::string text(random() % longest, '\0');
    for (char& c : text) c = "ab\xC3\0"[random() % 4];
    return text;
  };
  for (int round = 0; round < 300; ++round) {
    std::vector<std::string> pieces;
    for (unsigned i = random() % 12; i > 0; --i) pieces.push_back(word(6));
    const PieceFinder finder = finder_of(pieces);
    std::map<std::string, int32_t> ids;  // of equal pieces the last
    for (size_t id = 0; id < pieces.size(); ++id) ids[pieces[id]] = static_cast<int32_t>(id);
    const std::string text = word(40);
    std::vector<std::tuple<size_t, int32_t, size_t>> expected;
    for (size_t end = 1; end <= text.size(); ++end) {
      for (size_t size = end; size > 0; --size) {  // the longest first
        const auto piece = ids.find(text.substr(end - size, size));
        if (piece != ids.end()) expected.emplace_back(end, piece->second, size);
      }
    }
    ASSERT_EQ(found_in(finder, text), expected);
    for (const auto& [piece, id] : ids) ASSERT_EQ(finder.find(piece), piece.empty() ? -1 : id);
  }
}

TEST(PieceFinderTest, KnowsWholePiecesAndTheLongestBeginning) {
  const PieceFinder finder = finder_of({"a", "abc", "b"});
  EXPECT_EQ(finder.find("abc"), 1);
  EXPECT_EQ(finder.find("ab"), -1);
  EXPECT_EQ(finder.find(""), -1);
  EXPECT_THAT(finder.longest_prefix("abcd"), Pair(1, 3));
  EXPECT_THAT(finder.longest_prefix("abd"), Pair(0, 1));
  EXPECT_THAT(finder.longest_prefix("x"), Pair(-1, 0));
}

TEST(PieceFinderTest, HasNothingToFindWithoutPieces) {
  EXPECT_THAT(found_in(PieceFinder(), "any"), IsEmpty());
  EXPECT_EQ(PieceFinder().find("a"), -1);
  EXPECT_THAT(found_in(finder_of({""}), "a"), IsEmpty());
}

TEST(PieceFinderTest, ReadsALongRepetitiveTextOnceHoweverLongThePieces) {
  const std::string a(200000, 'a');
  size_t count = 0;  // a search from every place would take 2e10 steps
  const PieceFinder finder = finder_of({a, a + "b", "a"});
  PieceFinder::State state = PieceFinder::kStart;
  for (const char c : a + a) {
    state = finder.step(state, static_cast<unsigned char>(c));
    finder.for_each_ending(state, [&](int32_t, size_t) { ++count; });
  }
  EXPECT_EQ(count, 400000u + 200001u);
}

}  // namespace
}  // namespace zoo
