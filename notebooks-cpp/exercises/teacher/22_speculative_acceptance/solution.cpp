// Exercise 22: speculative decoding. What to write: README.md beside this file. Grade it: scripts/grade.sh 22
#include "notebooks-cpp/exercises/22_speculative_acceptance/speculative_acceptance.h"

// p, q [V] -> [V]
torch::Tensor residual(const torch::Tensor& p, const torch::Tensor& q) {
  // BEGIN SOLUTION 22.1 (3)
  const auto missing = (p - q).clamp_min(0);  // [V]: what drafts from q leave out
  const auto total = missing.sum();           // []: the probability of a rejection
  return torch::where(total.gt(0), missing / total, p);
  // END SOLUTION
}

// -> the token, and whether it is the draft
std::tuple<int64_t, bool> accept_or_resample(const torch::Tensor& p, const torch::Tensor& q,
                                             int64_t draft, double keep_number,
                                             double draw_number) {
  // BEGIN SOLUTION 22.2 (3)
  if (keep_number < p[draft].item<double>() / q[draft].item<double>()) return {draft, true};
  return {draw(residual(p, q), draw_number), false};
  // END SOLUTION
}

// p [n + 1, V], q [n, V], n drafts, keep_numbers [n], draw_numbers [n + 1] -> 1 to n + 1 tokens
std::vector<int64_t> speculate(const torch::Tensor& p, const torch::Tensor& q,
                               const std::vector<int64_t>& drafts,
                               const torch::Tensor& keep_numbers,
                               const torch::Tensor& draw_numbers) {
  // BEGIN SOLUTION 22.3 (4)
  const auto n = static_cast<int64_t>(drafts.size());
  std::vector<int64_t> tokens;
  for (int64_t i = 0; i < n; ++i) {
    const auto [token, accepted] = accept_or_resample(
        p[i], q[i], drafts[i], keep_numbers[i].item<double>(), draw_numbers[i].item<double>());
    tokens.push_back(token);
    if (!accepted) return tokens;
  }
  tokens.push_back(draw(p[n], draw_numbers[n].item<double>()));
  return tokens;
  // END SOLUTION
}
