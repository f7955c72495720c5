// Exercise 21: beam search. What to write: README.md beside this file. Grade it: scripts/grade.sh 21
#include "notebooks-cpp/exercises/21_beam_search/beam_search.h"

double length_normalised(double sum, int64_t length, double length_penalty) {
  // TODO 21.1 (2 marks)
  throw NotDone("21.1");
}

// sums [n, V] -> beams [c] int64, tokens [c] int64, sums [c], best first
std::tuple<torch::Tensor, torch::Tensor, torch::Tensor> best_candidates(const torch::Tensor& sums,
                                                                        int64_t count) {
  // TODO 21.2 (3 marks)
  throw NotDone("21.2");
}

// -> new tokens and score of the best text
std::tuple<std::vector<int64_t>, double> beam_search(const NextToken& next_token, int64_t start,
                                                     int64_t end, int64_t num_beams,
                                                     int64_t max_new_tokens,
                                                     double length_penalty) {
  // TODO 21.3 (5 marks)
  throw NotDone("21.3");
}
