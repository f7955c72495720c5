// Exercise 14: the best split of a unigram model. What to write: README.md beside this file. Grade it: scripts/grade.sh 14
#include "notebooks-cpp/exercises/14_unigram_viterbi/unigram_viterbi.h"

// The score of a character that is no piece
double unknown_score(const Unigram& model) {
  // TODO 14.1 (1 mark)
  throw NotDone("14.1");
}

// text of n characters -> n + 1 scores: of the best split of its first 0, 1, ... n characters
std::vector<double> best_scores(const std::string& text, const Unigram& model) {
  // TODO 14.2 (5 marks)
  throw NotDone("14.2");
}

// The pieces of the best split of the whole text, from left to right
std::vector<std::string> best_split(const std::string& text, const Unigram& model) {
  // TODO 14.3 (4 marks)
  throw NotDone("14.3");
}
