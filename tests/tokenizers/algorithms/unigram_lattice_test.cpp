#include "tokenizers/algorithms/unigram_lattice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/tokenizers/chi_square.h"

namespace zoo {
namespace {

using Arc = UnigramLattice::Arc;
using Ids = std::vector<int32_t>;

/// Arcs over `size` places, so that each place is reached: some of those of up to three places.
std::vector<Arc> random_arcs(uint32_t size, std::mt19937& random, bool equal_scores) {
  std::vector<Arc> arcs;
  for (uint32_t end = 1; end <= size; ++end) {
    for (uint32_t length = std::min(end, 3u); length > 0; --length) {
      if (length > 1 && random() % 3 == 0) continue;
      const double score = equal_scores ? -1.0 : -static_cast<double>(random() % 800) / 100;
      arcs.push_back({end - length, end, static_cast<int32_t>(arcs.size()), score});
    }
  }
  return arcs;
}

/// All paths to `end`, one by one.
std::vector<std::pair<double, Ids>> all_paths(const std::vector<Arc>& arcs, uint32_t end) {
  if (end == 0) return {{0.0, {}}};
  std::vector<std::pair<double, Ids>> paths;
  for (const Arc& arc : arcs) {
    if (arc.end != end) continue;
    for (auto [score, ids] : all_paths(arcs, arc.begin)) {
      ids.push_back(arc.id);
      paths.emplace_back(score + arc.score, std::move(ids));
    }
  }
  return paths;
}

Ids arc_ids(const std::vector<Arc>& arcs) {
  Ids ids;
  for (const Arc& arc : arcs) ids.push_back(arc.id);
  return ids;
}

TEST(UnigramLatticeTest, ListsAllPathsFromTheBestToTheWorst) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    const auto size = static_cast<uint32_t>(random() % 9);
    const auto arcs = random_arcs(size, random, round % 3 == 0);
    auto expected = all_paths(arcs, size);
    std::stable_sort(expected.begin(), expected.end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
    const auto found = UnigramLattice(size, arcs).nbest(100000);
    ASSERT_EQ(found.size(), expected.size());
    std::vector<Ids> seen;
    for (size_t i = 0; i < found.size(); ++i) {
      ASSERT_NEAR(found[i].score, expected[i].first, 1e-9);
      double sum = 0;
      for (const Arc& arc : found[i].arcs) sum += arc.score;
      ASSERT_NEAR(found[i].score, sum, 1e-9);
      seen.push_back(arc_ids(found[i].arcs));
    }
    std::sort(seen.begin(), seen.end());
    ASSERT_EQ(std::unique(seen.begin(), seen.end()), seen.end()) << "a path came twice";
    const auto few = UnigramLattice(size, arcs).nbest(3);
    ASSERT_EQ(few.size(), std::min<size_t>(3, expected.size()));
    for (size_t i = 0; i < few.size(); ++i) {
      ASSERT_EQ(arc_ids(few[i].arcs), arc_ids(found[i].arcs));
    }
  }
}

TEST(UnigramLatticeTest, AnEmptyTextHasOnePath) {
  const UnigramLattice empty(0, {});
  ASSERT_EQ(empty.nbest(5).size(), 1u);
  EXPECT_TRUE(empty.nbest(5)[0].arcs.empty());
  EXPECT_EQ(empty.nbest(0).size(), 0u);
  std::mt19937_64 random(1);
  EXPECT_TRUE(empty.sample(1.0, random).empty());
}

class SamplingTest : public ::testing::TestWithParam<double> {};

TEST_P(SamplingTest, DrawsPathsWithTheirProbabilityToThePowerOfAlpha) {
  std::mt19937 shape(6);
  const auto arcs = random_arcs(8, shape, false);
  std::map<Ids, double> probability;
  double sum = 0;
  for (const auto& [score, ids] : all_paths(arcs, 8)) {
    sum += probability[ids] = std::exp(GetParam() * score);
  }
  for (auto& [ids, p] : probability) p /= sum;
  ASSERT_GT(probability.size(), 10u);
  std::map<Ids, int> drawn;
  std::mt19937_64 random(7);
  const UnigramLattice lattice(8, arcs);
  for (int i = 0; i < 40000; ++i) ++drawn[arc_ids(lattice.sample(GetParam(), random))];
  EXPECT_TRUE(testing::fits(probability, drawn));
}

INSTANTIATE_TEST_SUITE_P(Alphas, SamplingTest, ::testing::Values(0.0, 0.1, 0.3),
                         [](const auto& info) {
                           return "Tenths" + std::to_string(static_cast<int>(info.param * 10));
                         });

TEST(ChiSquareTest, NoticesAnotherDistribution) {
  const std::map<int, double> fair = {{0, 0.5}, {1, 0.5}};
  EXPECT_TRUE(testing::fits(fair, {{0, 5050}, {1, 4950}}));
  EXPECT_FALSE(testing::fits(fair, {{0, 5300}, {1, 4700}}));
  EXPECT_FALSE(testing::fits(fair, {{0, 5000}, {1, 5000}, {2, 1}}));
}

TEST(UnigramLatticeTest, ALongTextWithCountlessEqualPathsIsNoTrouble) {
  constexpr uint32_t kSize = 20000;
  std::vector<Arc> arcs;
  for (uint32_t end = 1; end <= kSize; ++end) {
    if (end > 1) arcs.push_back({end - 2, end, 1, -2.2});
    arcs.push_back({end - 1, end, 0, -1.1});
  }
  const UnigramLattice lattice(kSize, arcs);
  EXPECT_EQ(lattice.nbest(20).size(), 20u);
  std::mt19937_64 random(1);
  EXPECT_GT(lattice.sample(1.0, random).size(), kSize / 2);
}

}  // namespace
}  // namespace zoo
