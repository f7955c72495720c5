// 14: the most probable split of a text into pieces.
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "notebooks-cpp/exercises/14_unigram_viterbi/unigram_viterbi.h"
#include "notebooks-cpp/exercises/grader/exercise.h"
#include "notebooks-cpp/exercises/grader/value.h"

namespace exercises::exercise_14 {
namespace {

using Words = std::vector<std::string>;
using Numbers = std::vector<double>;

double unknown(const Unigram& model, const Faults& faults) {
  const auto [least, most] = std::minmax_element(model.scores.begin(), model.scores.end());
  if (faults["unknown-is-free"]) return 0;
  if (faults["unknown-from-likeliest"]) return *most - kUnknownPenalty;
  if (faults["penalty-missing"]) return *least;
  if (faults["penalty-added"]) return *least + kUnknownPenalty;
  if (faults["penalty-alone"]) return -kUnknownPenalty;
  return *least - kUnknownPenalty;
}

std::optional<double> score_of(const Unigram& model, const std::string& piece) {
  for (size_t n = 0; n < model.pieces.size(); ++n)
    if (model.pieces[n] == piece) return model.scores[n];
  return {};
}

struct Table {
  Numbers best = {0};
  std::vector<size_t> from = {0};
};

Table viterbi(const std::string& text, const Unigram& model, const Faults& faults) {
  Table table;
  for (size_t end = 1; end <= text.size(); ++end) {
    double best = faults["costliest"] ? INFINITY : -INFINITY;
    size_t from = end - 1;
    for (size_t begin = 0; begin < end; ++begin) {
      const auto piece = text.substr(begin, end - begin);
      auto score = score_of(model, piece);
      if (!score && piece.size() == 1 && !faults["unknown-impossible"])
        score = unknown(model, faults);
      if (!score) continue;
      if (faults["pieces-counted"]) score = -1;
      const double sum = faults["piece-not-sum"] ? *score : table.best[begin] + *score;
      const bool tie = sum == best && faults["tie-to-short"];
      if ((faults["costliest"] ? sum < best : sum > best) || tie) best = sum, from = begin;
    }
    table.best.push_back(best);
    table.from.push_back(from);
  }
  return table;
}

/// At each place the piece that looks best there.
Words forward(const std::string& text, const Unigram& model, bool longest) {
  Words split;
  for (size_t at = 0; at < text.size(); at += split.back().size()) {
    std::string best = text.substr(at, 1);
    double best_score = -INFINITY;
    for (size_t size = 1; size <= text.size() - at; ++size) {
      const auto score = score_of(model, text.substr(at, size));
      if (!score || (!longest && *score <= best_score)) continue;
      best = text.substr(at, size);
      best_score = *score;
    }
    split.push_back(best);
  }
  return split;
}

Words split_of(const std::string& text, const Unigram& model, const Faults& faults) {
  if (faults["longest-first"]) return forward(text, model, true);
  if (faults["likeliest-first"]) return forward(text, model, false);
  const auto table = viterbi(text, model, faults);
  Words split;
  for (size_t end = text.size(); end > 0; end = table.from[end])
    split.push_back(text.substr(table.from[end], end - table.from[end]));
  if (!faults["backwards"]) std::reverse(split.begin(), split.end());
  return split;
}

Value reference(const Probe& probe, const Faults& faults) {
  const size_t first = probe.function == "unknown_score" ? 0 : 1;
  const Unigram model{probe.arguments.at(first).to<Words>(),
                      probe.arguments.at(first + 1).toDoubleVector()};
  if (probe.function == "unknown_score") return unknown(model, faults);
  if (probe.function == "best_scores") return viterbi(probe.text(0), model, faults).best;
  return split_of(probe.text(0), model, faults);
}

std::string answered(const Probe& probe, const Value& answer) {
  return "For " + probe.what + " you give " + describe(answer);
}

const Words kPieces = {"a", "b", "n", "an", "ana", "ban", "ana_", "nan"};
const Numbers kScores = {-2.5, -4, -3.25, -3.25, -5.5, -8, -9, -4.5};
// ab + c and a + bc are equally good, and so are abc and both.
const Words kTies = {"a", "ab", "bc", "c", "abcd", "d"};
const Numbers kTieScores = {-1, -2, -2, -1, -4, -1};

Probe scores(const std::string& what, const std::string& text, const Words& pieces = kPieces,
             const Numbers& numbers = kScores) {
  return {"best_scores", what, {text, pieces, numbers}};
}

Probe split(const std::string& what, const std::string& text, const Words& pieces = kPieces,
            const Numbers& numbers = kScores) {
  return {"best_split", what, {text, pieces, numbers}};
}

Exercise make() {
  std::string song;
  for (int n = 0; n < 200; ++n) song += "banana_";
  return {
      .name = "14_unigram_viterbi",
      .reference = reference,
      .faults = {{"unknown-is-free", answered},
                 {"unknown-from-likeliest", answered},
                 {"penalty-missing", answered},
                 {"penalty-added", answered},
                 {"penalty-alone", answered},
                 {"unknown-impossible", answered},
                 {"costliest", answered, true},
                 {"pieces-counted", answered, true},
                 {"piece-not-sum", answered, true},
                 {"tie-to-short", answered},
                 {"longest-first", answered, true},
                 {"likeliest-first", answered, true},
                 {"backwards", answered}},
      .checks = {
          {"14.1",
           Kind::kValues,
           1,
           "the score of an unknown character",
           {{"unknown_score", "scores -1, -7.5, -3", {Words{"a", "b", "c"}, Numbers{-1, -7.5, -3}}},
            {"unknown_score", "one piece of score -2", {Words{"a"}, Numbers{-2}}}}},
          {"14.2",
           Kind::kValues,
           3,
           "the best score of every prefix",
           {scores("banana", "banana"), scores("nanaban", "nanaban")}},
          {"14.2",
           Kind::kOddSizes,
           1,
           "unknown characters, no text",
           {scores("baxna", "baxna"), scores("xy", "xy"), scores("an empty text", "")}},
          {"14.2",
           Kind::kSideEffects,
           1,
           "1400 characters take under a second",
           {scores("200 times banana_", song)},
           0,
           1},
          {"14.3",
           Kind::kValues,
           2,
           "the best split",
           {split("banana", "banana"), split("nanaban", "nanaban"), split("ban", "ban")}},
          {"14.3",
           Kind::kValues,
           1,
           "ties",
           {split("abc", "abc", kTies, kTieScores), split("abcd", "abcd", kTies, kTieScores)}},
          {"14.3",
           Kind::kOddSizes,
           1,
           "unknown characters, one character, no text",
           {split("baxxna", "baxxna"), split("b", "b"), split("an empty text", "")}},
      }};
}

const bool added = add_exercise(make);

}  // namespace
}  // namespace exercises::exercise_14
