// Another way: pushes scores forward, and carries the splits along.
#include "notebooks-cpp/exercises/14_unigram_viterbi/unigram_viterbi.h"

double unknown_score(const Unigram& model) {
  std::vector<double> sorted = model.scores;
  std::sort(sorted.begin(), sorted.end());
  return sorted.front() - kUnknownPenalty;
}

struct Place {
  double score = -std::numeric_limits<double>::infinity();
  std::vector<std::string> split;
  void offer(double other, const std::vector<std::string>& before, const std::string& piece) {
    // Earlier beginnings come first, so that of equal scores the first one stays.
    if (other <= score) return;
    score = other;
    split = before;
    split.push_back(piece);
  }
};

static std::vector<Place> places(const std::string& text, const Unigram& model) {
  std::vector<Place> all(text.size() + 1);
  all[0].score = 0;
  for (size_t begin = 0; begin < text.size(); ++begin) {
    const Place here = all[begin];
    for (size_t n = 0; n < model.pieces.size(); ++n) {
      const auto& piece = model.pieces[n];
      if (text.compare(begin, piece.size(), piece) == 0)
        all[begin + piece.size()].offer(here.score + model.scores[n], here.split, piece);
    }
    all[begin + 1].offer(here.score + unknown_score(model), here.split, text.substr(begin, 1));
  }
  return all;
}

std::vector<double> best_scores(const std::string& text, const Unigram& model) {
  std::vector<double> scores;
  for (const auto& place : places(text, model)) scores.push_back(place.score);
  return scores;
}

std::vector<std::string> best_split(const std::string& text, const Unigram& model) {
  return places(text, model).back().split;
}
