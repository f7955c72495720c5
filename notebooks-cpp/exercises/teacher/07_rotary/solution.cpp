// Exercise 07: rotary positions. What to write: README.md beside this file. Grade it: scripts/grade.sh 07
#include "notebooks-cpp/exercises/07_rotary/rotary.h"

// -> float [Dh / 2]: the angle per step of each pair of numbers
torch::Tensor rotary_frequencies(int64_t head_width, double base) {
  // BEGIN SOLUTION 07.1 (1)
  const auto pairs = torch::arange(0, head_width, 2).to(torch::kFloat);  // [Dh / 2]: 2i
  return torch::pow(base, -pairs / head_width);
  // END SOLUTION
}

// positions int64 [B, T], frequencies [n] -> cosines and sines [B, 1, T, 2 n], every angle twice
std::tuple<torch::Tensor, torch::Tensor> rotation(const torch::Tensor& positions,
                                                  const torch::Tensor& frequencies) {
  // BEGIN SOLUTION 07.2 (2)
  const auto angles = positions.unsqueeze(-1) * frequencies;         // [B, T, n]
  const auto twice = torch::cat({angles, angles}, -1).unsqueeze(1);  // [B, 1, T, 2 n]
  return {twice.cos(), twice.sin()};
  // END SOLUTION
}

// x [B, H, T, Dh], cos and sin [B, 1, T, 2 n], 2 n <= Dh -> [B, H, T, Dh]
torch::Tensor rotate(const torch::Tensor& x, const torch::Tensor& cos, const torch::Tensor& sin) {
  // BEGIN SOLUTION 07.3 (4)
  const auto parts = x.split_with_sizes({cos.size(-1), x.size(-1) - cos.size(-1)}, -1);
  const auto halves = parts[0].chunk(2, -1);                               // two of [B, H, T, n]
  const auto quarter_turn = torch::cat({-halves[1], halves[0]}, -1);       // [B, H, T, 2 n]
  return torch::cat({parts[0] * cos + quarter_turn * sin, parts[1]}, -1);  // the rest stays
  // END SOLUTION
}

// q [B, H, T, Dh], k [B, H, S, Dh], positions int64 [B, T] and [B, S] -> scaled scores [B, H, T, S]
torch::Tensor rotary_scores(const torch::Tensor& q, const torch::Tensor& k,
                            const torch::Tensor& q_positions, const torch::Tensor& k_positions,
                            double base) {
  // BEGIN SOLUTION 07.4 (3)
  const auto frequencies = rotary_frequencies(q.size(-1), base);
  const auto [q_cos, q_sin] = rotation(q_positions, frequencies);
  const auto [k_cos, k_sin] = rotation(k_positions, frequencies);
  const auto products = rotate(q, q_cos, q_sin).matmul(rotate(k, k_cos, k_sin).mT());
  return products / std::sqrt(static_cast<double>(q.size(-1)));  // [B, H, T, S]
  // END SOLUTION
}
