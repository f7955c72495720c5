// Exercise 08: ALiBi. What to write: README.md beside this file. Grade it: scripts/grade.sh 08
#include "notebooks-cpp/exercises/08_alibi/alibi.h"

// -> float [H], for any number of heads
torch::Tensor alibi_slopes(int64_t heads) {
  // BEGIN SOLUTION 08.1 (4)
  int64_t n = 1;
  while (2 * n <= heads) n *= 2;  // the largest power of two that is not above heads
  const auto slopes = torch::pow(2.0, -8.0 / n * torch::arange(1, n + 1));  // [n]
  if (n == heads) return slopes;
  return torch::cat({slopes, alibi_slopes(2 * n).slice(0, 0, 2 * (heads - n), 2)});
  // END SOLUTION
}

// slopes [H] -> [H, T + S - 1]: entry s - t + T - 1 is what query t adds to its score of key s.
torch::Tensor alibi_relative_bias(const torch::Tensor& slopes, int64_t T, int64_t S) {
  // BEGIN SOLUTION 08.2 (3)
  // Query t stands at t + S - T, so entry j = s - t + T - 1 is j - (S - 1) positions ahead of it.
  const auto ahead = torch::arange(T + S - 1) - (S - 1);
  return slopes.unsqueeze(1) * ahead.clamp_max(0);  // [H, T + S - 1]
  // END SOLUTION
}

// relative_bias [H, T + S - 1] -> [H, T, S]
torch::Tensor dense_bias(const torch::Tensor& relative_bias, int64_t S) {
  // BEGIN SOLUTION 08.3 (3)
  return relative_bias.unfold(1, S, 1).flip(1);  // row t is a window of S that starts at T - 1 - t
  // END SOLUTION
}
