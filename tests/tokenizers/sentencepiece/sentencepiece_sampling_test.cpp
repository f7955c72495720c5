// Splits drawn at random, and the n best: against all splits of a tiny vocabulary, one by one.
// Goldens: tests/golden/sentencepiece_files.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/files.h"
#include "tests/tokenizers/chi_square.h"
#include "tests/tokenizers/sentencepiece_files.h"
#include "tokenizers/sentencepiece/sentencepiece.h"

namespace zoo {
namespace {

using nlohmann::json;
using Algorithm = SentencePieceModel::Algorithm;
using Ids = std::vector<int32_t>;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

const std::vector<std::pair<std::string, float>> kPieces = {
    {"a", -2}, {"b", -2.5F}, {"ab", -3}, {"ba", -3.5F}, {"aba", -4}, {"bab", -4.75F}, {"abab", -7}};

const SentencePieceTokenizer& tiny_unigram() {
  static const SentencePieceTokenizer tokenizer(
      testing::write_model(testing::small_model(Algorithm::kUnigram, kPieces)));
  return tokenizer;
}

const SentencePieceTokenizer& tiny_bpe() {
  static const SentencePieceTokenizer tokenizer(
      testing::write_model(testing::small_model(Algorithm::kBpe, kPieces)));
  return tokenizer;
}

/// All splits of a text over kPieces and the sums of their scores.
std::map<Ids, double> all_splits(const std::string& text) {
  if (text.empty()) return {{{}, 0.0}};
  std::map<Ids, double> splits;
  for (size_t id = 0; id < kPieces.size(); ++id) {
    const auto& [piece, score] = kPieces[id];
    if (!text.ends_with(piece)) continue;
    for (const auto& [before, sum] : all_splits(text.substr(0, text.size() - piece.size()))) {
      Ids ids = before;
      ids.push_back(static_cast<int32_t>(id) + 1);
      splits[ids] = sum + double{score};
    }
  }
  return splits;
}

std::map<Ids, double> power_of_probability(std::map<Ids, double> scores, double alpha) {
  double sum = 0;
  for (auto& [ids, score] : scores) sum += score = std::exp(alpha * score);
  for (auto& [ids, score] : scores) score /= sum;
  return scores;
}

std::map<Ids, int> draw(const SentencePieceTokenizer& tokenizer, const std::string& text,
                        double alpha, int nbest_size) {
  std::map<Ids, int> drawn;
  for (uint64_t seed = 0; seed < 20000; ++seed) {
    ++drawn[tokenizer.sample(text, alpha, nbest_size, seed)];
  }
  return drawn;
}

TEST(UnigramSamplingTest, DrawsFromAllSplitsWithTheirProbabilityToThePowerOfAlpha) {
  const std::string text = "abababb";
  ASSERT_GT(all_splits(text).size(), 10u);
  for (const double alpha : {0.0, 0.25, 1.0}) {
    EXPECT_TRUE(testing::fits(power_of_probability(all_splits(text), alpha),
                              draw(tiny_unigram(), text, alpha, -1)))
        << alpha;
  }
}

TEST(UnigramSamplingTest, DrawsFromTheNBest) {
  const std::string text = "abababb";
  std::vector<std::pair<double, Ids>> order;
  for (const auto& [ids, score] : all_splits(text)) order.emplace_back(-score, ids);
  std::sort(order.begin(), order.end());
  ASSERT_NE(order[3].first, order[4].first);
  std::map<Ids, double> best;
  for (size_t i = 0; i < 4; ++i) best[order[i].second] = -order[i].first;
  EXPECT_TRUE(testing::fits(power_of_probability(best, 0.5), draw(tiny_unigram(), text, 0.5, 4)));
}

TEST(UnigramSamplingTest, IsTheBestSplitForNBestSizesOfOneAndForLargeAlpha) {
  const std::string text = "ababbabaab";
  const Ids best = tiny_unigram().ids(text);
  for (uint64_t seed = 0; seed < 20; ++seed) {
    EXPECT_EQ(tiny_unigram().sample(text, 0.1, 0, seed), best);
    EXPECT_EQ(tiny_unigram().sample(text, 0.1, 1, seed), best);
    EXPECT_EQ(tiny_unigram().sample(text, 1000, -1, seed), best);
  }
}

/// The distribution of BPE-dropout, step by step as in Algorithm 1: of the possible merges, the
/// best first, each is left out with probability p, and the first that is not is made.
std::map<std::vector<std::string>, double> dropout_splits(const std::vector<std::string>& split,
                                                          double p) {
  std::vector<std::pair<float, size_t>> merges;  // -score, place
  for (size_t i = 0; i + 1 < split.size(); ++i) {
    for (const auto& [piece, score] : kPieces) {
      if (piece == split[i] + split[i + 1]) merges.emplace_back(-score, i);
    }
  }
  std::sort(merges.begin(), merges.end());
  std::map<std::vector<std::string>, double> result;
  double rest = 1;  // all merges so far were left out
  for (const auto& [score, place] : merges) {
    std::vector<std::string> next = split;
    next[place] += next[place + 1];
    next.erase(next.begin() + static_cast<std::ptrdiff_t>(place) + 1);
    for (const auto& [end, probability] : dropout_splits(next, p)) {
      result[end] += rest * (1 - p) * probability;
    }
    rest *= p;
  }
  result[split] += rest;
  return result;
}

TEST(BpeDropoutTest, DrawsFromTheDistributionOfAlgorithm1) {
  for (const double p : {0.1, 0.5}) {
    std::map<Ids, double> expected;
    for (const auto& [pieces, probability] :
         dropout_splits({"a", "b", "a", "b", "a", "b", "b"}, p)) {
      Ids ids;
      for (const std::string& piece : pieces) ids.push_back(*tiny_bpe().id_of(piece));
      if (probability * 20000 >= 5) expected[ids] = probability;
    }
    double kept = 0;  // outcomes too rare to count are left out on both sides
    for (const auto& [ids, probability] : expected) kept += probability;
    ASSERT_GT(kept, 0.98);
    for (auto& [ids, probability] : expected) probability /= kept;
    std::map<Ids, int> drawn = draw(tiny_bpe(), "abababb", p, 0);
    std::erase_if(drawn, [&](const auto& outcome) { return expected.count(outcome.first) == 0; });
    EXPECT_TRUE(testing::fits(expected, drawn)) << p;
  }
}

TEST(BpeDropoutTest, MakesAllMergesWithoutDropoutAndNoneWithDropoutOfOne) {
  const std::string text = "abababbaab";
  EXPECT_EQ(tiny_bpe().sample(text, 0, -1, 1), tiny_bpe().ids(text));
  EXPECT_THAT(tiny_bpe().sample("abab", 1, -1, 1), ElementsAre(1, 2, 1, 2));
}

TEST(SamplingTest, DependsOnTheSeedAlone) {
  for (const auto* tokenizer : {&tiny_unigram(), &tiny_bpe()}) {
    const std::string text = "ababababababababab";
    std::map<Ids, int> different;
    for (uint64_t seed = 0; seed < 50; ++seed) {
      const Ids first = tokenizer->sample(text, 0.3, -1, seed);
      EXPECT_EQ(tokenizer->sample(text, 0.3, -1, seed), first);
      EXPECT_EQ(tokenizer->decode(first), text);
      ++different[first];
    }
    EXPECT_GT(different.size(), 10u);
  }
  // The same on every machine.
  EXPECT_THAT(tiny_unigram().sample("ababab", 0.5, -1, 1), ElementsAre(5, 6));
}

TEST(SamplingTest, RefusesAnAlphaThatMeansNothing) {
  const auto message = [](const char* text) {
    return ThrowsMessage<std::invalid_argument>(HasSubstr(text));
  };
  EXPECT_THAT([] { tiny_unigram().sample("a", -0.1, -1, 0); }, message("expected 0 or more"));
  EXPECT_THAT([] { tiny_unigram().sample("a", NAN, -1, 0); }, message("expected 0 or more"));
  EXPECT_THAT([] { tiny_bpe().sample("a", 1.5, -1, 0); }, message("from 0 to 1"));
  EXPECT_THAT([] { tiny_bpe().nbest("a", 3); }, message("need a unigram model"));
}

TEST(NBestTest, ListsAllSplitsInTheOrderOfTheirProbability) {
  for (const std::string text : {"", "a", "abab", "bababab"}) {
    const std::map<Ids, double> expected = all_splits(text);
    const auto found = tiny_unigram().nbest(text, 1000);
    ASSERT_EQ(found.size(), expected.size());
    EXPECT_EQ(found[0].ids, tiny_unigram().ids(text));
    for (size_t i = 0; i < found.size(); ++i) {
      EXPECT_NEAR(found[i].score, expected.at(found[i].ids), 1e-9);
      if (i > 0) {
        EXPECT_LE(found[i].score, found[i - 1].score);
      }
    }
  }
}

TEST(NBestTest, AgreesWithThePythonPackage) {
  const SentencePieceTokenizer tokenizer(read_file("tests/golden/tokenizers/unigram.model"));
  for (const json& entry : json::parse(read_file("tests/golden/tokenizers/nbest.json"))) {
    const auto found = tokenizer.nbest(entry["text"].get<std::string>(), 12);
    ASSERT_EQ(found.size(), entry["nbest"].size()) << entry;
    for (size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i].ids, entry["nbest"][i][0].get<Ids>()) << entry;
      EXPECT_NEAR(found[i].score, entry["nbest"][i][1].get<double>(), 1e-4);
    }
  }
}

}  // namespace
}  // namespace zoo
