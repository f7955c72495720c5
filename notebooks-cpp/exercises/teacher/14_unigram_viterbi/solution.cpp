// Exercise 14: the best split of a unigram model. What to write: README.md beside this file. Grade it: scripts/grade.sh 14
#include "notebooks-cpp/exercises/14_unigram_viterbi/unigram_viterbi.h"

// The score of a character that is no piece
double unknown_score(const Unigram& model) {
  // BEGIN SOLUTION 14.1 (1)
  return *std::min_element(model.scores.begin(), model.scores.end()) - kUnknownPenalty;
  // END SOLUTION
}

// text of n characters -> n + 1 scores: of the best split of its first 0, 1, ... n characters
std::vector<double> best_scores(const std::string& text, const Unigram& model) {
  // BEGIN SOLUTION 14.2 (5)
  std::vector<double> best(text.size() + 1, -std::numeric_limits<double>::infinity());
  best[0] = 0;
  for (size_t end = 1; end <= text.size(); ++end) {
    best[end] = best[end - 1] + unknown_score(model);  // loses to a piece of one character
    for (size_t n = 0; n < model.pieces.size(); ++n) {
      const std::string& piece = model.pieces[n];
      if (piece.size() <= end && text.compare(end - piece.size(), piece.size(), piece) == 0)
        best[end] = std::max(best[end], best[end - piece.size()] + model.scores[n]);
    }
  }
  return best;
  // END SOLUTION
}

// The pieces of the best split of the whole text, from left to right
std::vector<std::string> best_split(const std::string& text, const Unigram& model) {
  // BEGIN SOLUTION 14.3 (4)
  const auto best = best_scores(text, model);
  std::vector<std::string> split;
  for (size_t end = text.size(); end > 0; end -= split.back().size()) {
    size_t longest = 0;  // last piece of a best split; none: an unknown character
    for (size_t n = 0; n < model.pieces.size(); ++n) {
      const std::string& piece = model.pieces[n];
      if (piece.size() <= end && text.compare(end - piece.size(), piece.size(), piece) == 0 &&
          best[end - piece.size()] + model.scores[n] == best[end])
        longest = std::max(longest, piece.size());
    }
    split.push_back(text.substr(end - std::max<size_t>(longest, 1), std::max<size_t>(longest, 1)));
  }
  std::reverse(split.begin(), split.end());
  return split;
  // END SOLUTION
}
