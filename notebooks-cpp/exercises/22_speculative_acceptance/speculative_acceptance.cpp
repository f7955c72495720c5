// Exercise 22: speculative decoding. What to write: README.md beside this file. Grade it: scripts/grade.sh 22
#include "notebooks-cpp/exercises/22_speculative_acceptance/speculative_acceptance.h"

// p, q [V] -> [V]
torch::Tensor residual(const torch::Tensor& p, const torch::Tensor& q) {
  // TODO 22.1 (3 marks)
  throw NotDone("22.1");
}

// -> the token, and whether it is the draft
std::tuple<int64_t, bool> accept_or_resample(const torch::Tensor& p, const torch::Tensor& q,
                                             int64_t draft, double keep_number,
                                             double draw_number) {
  // TODO 22.2 (3 marks)
  throw NotDone("22.2");
}

// p [n + 1, V], q [n, V], n drafts, keep_numbers [n], draw_numbers [n + 1] -> 1 to n + 1 tokens
std::vector<int64_t> speculate(const torch::Tensor& p, const torch::Tensor& q,
                               const std::vector<int64_t>& drafts,
                               const torch::Tensor& keep_numbers,
                               const torch::Tensor& draw_numbers) {
  // TODO 22.3 (4 marks)
  throw NotDone("22.3");
}
