// The trainer of BPE and WordPiece: by hand, against one that counts everything anew each time, and
// against what the `tokenizers` package gave (tests/golden/bpe_training.py).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "base/files.h"
#include "tests/tokenizers/training/counted_words.h"
#include "tokenizers/training/bpe_trainer.h"

namespace zoo {
namespace {

using nlohmann::json;
using testing::CountedWords;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::start_of;
using Merge = std::tuple<std::string, std::string, uint64_t>;  // left, right, count

struct Trained {
  std::vector<std::string> pieces;
  std::vector<Merge> merges, by_rank;
};

Trained train(const CountedWords& words, const BpeTrainer::Options& options,
              const BpeAlphabet& alphabet = {}) {
  BpeTrainer trainer(start_of(words, alphabet), options);
  std::vector<BpeMerge> merges;
  while (const auto merge = trainer.next()) merges.push_back(*merge);
  const auto& pieces = trainer.pieces();
  const auto named = [&](const std::vector<BpeMerge>& some) {
    std::vector<Merge> names;
    for (const BpeMerge& m : some) names.emplace_back(pieces[m.left], pieces[m.right], m.count);
    return names;
  };
  return {pieces, named(merges), named(ranked(merges))};
}

const CountedWords kClassroom = {{"low", 5}, {"lower", 2}, {"newest", 6}, {"widest", 3}};

TEST(BpeTrainerTest, MergesTheClassroomExampleAsByHand) {
  const auto merges = train(kClassroom, {.vocab_size = 17}).merges;
  EXPECT_THAT(merges, ElementsAre(Merge("e", "s", 9), Merge("es", "t", 9), Merge("l", "o", 7),
                                  Merge("lo", "w", 7), Merge("e", "w", 6), Merge("n", "ew", 6),
                                  Merge("new", "est", 6)));
}

TEST(BpeTrainerTest, MarksTheInsideOfWordsForWordPiece) {
  const auto merges =
      train(kClassroom, {.vocab_size = 30, .prefix = "##"}, {.prefix = "##"}).merges;
  ASSERT_GE(merges.size(), 4u);
  EXPECT_EQ(merges[0], Merge("##e", "##s", 9));
  EXPECT_EQ(merges[1], Merge("##es", "##t", 9));
  EXPECT_EQ(merges[2], Merge("l", "##o", 7));  // letters at the head are older
  EXPECT_EQ(merges[3], Merge("lo", "##w", 7));
}

TEST(BpeTrainerTest, OfEquallyFrequentPairsTheOneOfTheOldestPiecesComesFirst) {
  // All count 1; by id: ab < ba < bc, and a new piece is younger than all letters.
  EXPECT_THAT(
      train({{"ba", 1}, {"bc", 1}, {"ab", 1}}, {.vocab_size = 9, .min_frequency = 1}).merges,
      ElementsAre(Merge("a", "b", 1), Merge("b", "a", 1), Merge("b", "c", 1)));
  EXPECT_THAT(train({{"abz", 2}, {"xy", 2}}, {.vocab_size = 8}).merges,
              ElementsAre(Merge("a", "b", 2), Merge("x", "y", 2), Merge("ab", "z", 2)));
}

TEST(BpeTrainerTest, MergesOverlappingPlacesFromTheLeft) {
  BpeTrainer trainer(start_of({{"aaaaa", 2}}), {.vocab_size = 9});
  EXPECT_EQ(trainer.next()->count, 8u);  // four places in each
  EXPECT_THAT(trainer.word(0), ElementsAre(1, 1, 0));
  EXPECT_EQ(trainer.next()->count, 2u);  // (aa, a) has the smaller right id
  EXPECT_THAT(trainer.word(0), ElementsAre(1, 2));
}

TEST(BpeTrainerTest, EndsAtTheSizeAtTheFrequencyAndWhereNothingIsLeft) {
  EXPECT_EQ(train(kClassroom, {.vocab_size = 12}).pieces.size(), 12u);
  EXPECT_THAT(train(kClassroom, {.vocab_size = 5}).merges, IsEmpty());  // fewer than the letters
  for (const auto& [left, right, count] : train(kClassroom, {.min_frequency = 6}).merges) {
    EXPECT_GE(count, 6u);
  }
  const Trained all = train(kClassroom, {.min_frequency = 0});
  EXPECT_EQ(all.merges.size(), 12u);  // every word is a piece at last
  EXPECT_TRUE(std::count(all.pieces.begin(), all.pieces.end(), "widest"));
  EXPECT_THAT(train({{"a", 9}}, {}).merges, IsEmpty());
  EXPECT_THAT(train({}, {}).pieces, IsEmpty());
}

TEST(BpeTrainerTest, AMergeThatArrivesAtASpecialTokenAddsNoId) {
  const Trained made = train({{"abc", 3}}, {.vocab_size = 10}, {.special_tokens = {"ab", "the"}});
  EXPECT_THAT(made.pieces, ElementsAre("ab", "the", "a", "b", "c", "abc"));
  EXPECT_THAT(made.merges, ElementsAre(Merge("a", "b", 3), Merge("ab", "c", 3)));
}

// ---- The oracle: algorithm 1 of the paper as it stands there
// --------------------------------------
struct NaiveTrainer {
  std::vector<std::string> pieces;
  std::vector<std::pair<std::vector<uint32_t>, uint64_t>> words;

  explicit NaiveTrainer(const BpeStart& start) : pieces(start.pieces) {
    for (const auto& word : start.words) {
      const auto begin = start.ids.begin() + static_cast<std::ptrdiff_t>(word.begin);
      words.emplace_back(std::vector<uint32_t>(begin, begin + word.size), word.count);
    }
  }

  std::optional<Merge> next(const BpeTrainer::Options& options) {
    if (pieces.size() >= options.vocab_size) return std::nullopt;
    std::map<std::pair<uint32_t, uint32_t>, uint64_t> counts;
    for (const auto& [ids, count] : words) {
      for (size_t i = 0; i + 1 < ids.size(); ++i) counts[{ids[i], ids[i + 1]}] += count;
    }
    auto best = counts.begin();
    for (auto it = counts.begin(); it != counts.end(); ++it) {
      if (it->second > best->second) best = it;
    }
    if (best == counts.end() || best->second < options.min_frequency) return std::nullopt;
    const auto [left, right] = best->first;
    const auto made = static_cast<uint32_t>(pieces.size());
    pieces.push_back(pieces[left] + pieces[right]);
    for (auto& [ids, count] : words) {
      for (size_t i = 0; i + 1 < ids.size(); ++i) {
        if (ids[i] != left || ids[i + 1] != right) continue;
        ids[i] = made;
        ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(i) + 1);
      }
    }
    return Merge(pieces[left], pieces[right], best->second);
  }
};

CountedWords random_words() {
  const auto letters = *rc::gen::inRange<size_t>(1, 6);
  const auto letter = rc::gen::elementOf(std::string("abcde").substr(0, letters));
  const auto word = rc::gen::nonEmpty(rc::gen::container<std::string>(letter));
  CountedWords words;
  std::set<std::string> seen;
  for (const auto& text : *rc::gen::container<std::vector<std::string>>(word)) {
    if (seen.insert(text).second) words.emplace_back(text, *rc::gen::inRange<uint64_t>(1, 5));
  }
  return words;
}

TEST(BpeTrainerTest, EqualsATrainerThatCountsAllPairsEachTime) {
  EXPECT_TRUE(rc::check("incremental counts are the counts", [] {
    const CountedWords words = random_words();
    const BpeTrainer::Options options{.vocab_size = *rc::gen::inRange<size_t>(1, 60),
                                      .min_frequency = *rc::gen::inRange<uint64_t>(0, 4)};
    NaiveTrainer naive(start_of(words));
    std::vector<Merge> expected;
    while (const auto merge = naive.next(options)) {
      expected.push_back(*merge);
      // The package counts otherwise after a merge that makes an existing piece; goldens have it.
      if (std::count(naive.pieces.begin(), naive.pieces.end(), naive.pieces.back()) > 1) break;
    }
    auto merges = train(words, options).merges;
    RC_ASSERT(merges.size() >= expected.size());
    if (naive.next(options) == std::nullopt) RC_ASSERT(merges.size() == expected.size());
    merges.resize(expected.size());
    RC_ASSERT(merges == expected);
  }));
}

TEST(BpeTrainerTest, DoesNotDependOnTheOrderOfTheWords) {
  EXPECT_TRUE(rc::check("shuffled words give the same merges", [] {
    CountedWords words = random_words();
    const BpeTrainer::Options options{.vocab_size = 60, .min_frequency = 1};
    const Trained first = train(words, options);
    std::reverse(words.begin(), words.end());
    const Trained second = train(words, options);
    RC_ASSERT(first.merges == second.merges);
    RC_ASSERT(first.pieces == second.pieces);
  }));
}

TEST(BpeTrainerTest, ALongWordIsNoTrouble) {
  std::string text;
  for (uint32_t i = 0, state = 1; i < 200'000; ++i) {
    state = state * 1664525 + 1013904223;
    text += static_cast<char>('a' + (state >> 24) % 8);
  }
  EXPECT_EQ(train({{text, 1}}, {.vocab_size = 400}).pieces.size(), 400u);
}

TEST(BpeTrainerTest, MakesThePiecesAndMergesOfThePythonPackage) {
  const json golden = json::parse(read_file("tests/golden/tokenizers/bpe_training.json"));
  ASSERT_GE(golden["words"].size(), 30u);
  size_t merged_again = 0;
  for (const json& entry : golden["words"]) {
    BpeAlphabet alphabet;
    if (entry["kind"] == "wordpiece") alphabet.prefix = "##";
    if (entry["kind"] == "bpe") alphabet.suffix = "</w>";
    entry["special_tokens"].get_to(alphabet.special_tokens);
    const Trained made = train(entry["words"],
                               {.vocab_size = entry["vocab_size"],
                                .min_frequency = entry["min_frequency"],
                                .prefix = alphabet.prefix},
                               alphabet);
    EXPECT_EQ(made.pieces, entry["pieces"].get<std::vector<std::string>>()) << entry;
    merged_again += made.merges.size() - made.by_rank.size();
    if (entry["kind"] == "wordpiece") continue;  // the package keeps no merges of it
    json merges = json::array();
    for (const auto& merge : made.by_rank)
      merges.push_back({std::get<0>(merge), std::get<1>(merge)});
    EXPECT_EQ(merges, entry["merges"]) << entry;
  }
  EXPECT_GT(merged_again, 0u);  // the rarest case is among them
}

}  // namespace
}  // namespace zoo
