// Another way: a map of pieces, and back pointers.
#include "notebooks-cpp/exercises/14_unigram_viterbi/unigram_viterbi.h"

double unknown_score(const Unigram& model) {
  double least = model.scores.at(0);
  for (const double score : model.scores) least = score < least ? score : least;
  return least - kUnknownPenalty;
}

static std::pair<std::vector<double>, std::vector<size_t>> search(const std::string& text,
                                                                  const Unigram& model) {
  std::map<std::string, double> known;
  for (size_t n = 0; n < model.pieces.size(); ++n) known[model.pieces[n]] = model.scores[n];
  std::vector<double> best{0};
  std::vector<size_t> from{0};
  for (size_t end = 1; end <= text.size(); ++end) {
    best.push_back(-1e300);
    from.push_back(end - 1);
    for (size_t begin = 0; begin < end; ++begin) {  // the longest last piece first
      const auto found = known.find(text.substr(begin, end - begin));
      double score = -1e300;
      if (found != known.end()) {
        score = best[begin] + found->second;
      } else if (begin + 1 == end) {
        score = best[begin] + unknown_score(model);
      }
      if (score > best[end]) {
        best[end] = score;
        from[end] = begin;
      }
    }
  }
  return {best, from};
}

std::vector<double> best_scores(const std::string& text, const Unigram& model) {
  return search(text, model).first;
}

std::vector<std::string> best_split(const std::string& text, const Unigram& model) {
  const auto from = search(text, model).second;
  std::vector<std::string> split;
  for (size_t end = text.size(); end > 0; end = from[end])
    split.insert(split.begin(), text.substr(from[end], end - from[end]));
  return split;
}
