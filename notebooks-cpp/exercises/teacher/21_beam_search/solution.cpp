// Exercise 21: beam search. What to write: README.md beside this file. Grade it: scripts/grade.sh 21
#include "notebooks-cpp/exercises/21_beam_search/beam_search.h"

double length_normalised(double sum, int64_t length, double length_penalty) {
  // BEGIN SOLUTION 21.1 (2)
  return sum / std::pow(static_cast<double>(length), length_penalty);
  // END SOLUTION
}

// sums [n, V] -> beams [c] int64, tokens [c] int64, sums [c], best first
std::tuple<torch::Tensor, torch::Tensor, torch::Tensor> best_candidates(const torch::Tensor& sums,
                                                                        int64_t count) {
  // BEGIN SOLUTION 21.2 (3)
  const auto [best, places] = sums.reshape({-1}).topk(std::min(count, sums.numel()));
  const int64_t V = sums.size(1);
  return {places.floor_divide(V), places.remainder(V), best};
  // END SOLUTION
}

// -> new tokens and score of the best text
std::tuple<std::vector<int64_t>, double> beam_search(const NextToken& next_token, int64_t start,
                                                     int64_t end, int64_t num_beams,
                                                     int64_t max_new_tokens,
                                                     double length_penalty) {
  // BEGIN SOLUTION 21.3 (5)
  auto texts = torch::full({1, 1}, start, torch::kLong);  // [n, t]: n texts that go on
  auto sums = torch::zeros({1});                          // [n]
  std::vector<int64_t> best_text;
  double best_score = -std::numeric_limits<double>::infinity();
  for (int64_t length = 1; length <= max_new_tokens && texts.size(0) > 0; ++length) {
    const auto totals = sums.unsqueeze(1) + next_token(texts);  // [n, V]
    const auto [beams, tokens, kept] = best_candidates(totals, num_beams);
    const auto longer = torch::cat({texts.index_select(0, beams), tokens.unsqueeze(1)}, 1);
    std::vector<int64_t> open;  // which of [c] go on
    for (int64_t c = 0; c < tokens.size(0); ++c) {
      if (tokens[c].item<int64_t>() != end && length < max_new_tokens) {
        open.push_back(c);
        continue;
      }
      const double score = length_normalised(kept[c].item<double>(), length, length_penalty);
      if (score <= best_score) continue;
      best_score = score;
      const auto text = longer[c].slice(0, 1).contiguous();  // [length], without the start
      best_text.assign(text.data_ptr<int64_t>(), text.data_ptr<int64_t>() + length);
    }
    texts = longer.index_select(0, torch::tensor(open, torch::kLong));  // [n, t + 1]
    sums = kept.index_select(0, torch::tensor(open, torch::kLong));     // [n]
  }
  return {best_text, best_score};
  // END SOLUTION
}
