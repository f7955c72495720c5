#pragma once
#include "notebooks-cpp/exercises/grader/student.h"

/// The pieces of a unigram model and the logarithms of their probabilities.
struct Unigram {
  std::vector<std::string> pieces;
  std::vector<double> scores;
};

/// A character that is no piece scores this much less than the rarest piece.
inline constexpr double kUnknownPenalty = 10;

double unknown_score(const Unigram& model);
std::vector<double> best_scores(const std::string& text, const Unigram& model);
std::vector<std::string> best_split(const std::string& text, const Unigram& model);
