// Exercise 07: rotary positions. What to write: README.md beside this file. Grade it: scripts/grade.sh 07
#include "notebooks-cpp/exercises/07_rotary/rotary.h"

// -> float [Dh / 2]: the angle per step of each pair of numbers
torch::Tensor rotary_frequencies(int64_t head_width, double base) {
  // TODO 07.1 (1 mark)
  throw NotDone("07.1");
}

// positions int64 [B, T], frequencies [n] -> cosines and sines [B, 1, T, 2 n], every angle twice
std::tuple<torch::Tensor, torch::Tensor> rotation(const torch::Tensor& positions,
                                                  const torch::Tensor& frequencies) {
  // TODO 07.2 (2 marks)
  throw NotDone("07.2");
}

// x [B, H, T, Dh], cos and sin [B, 1, T, 2 n], 2 n <= Dh -> [B, H, T, Dh]
torch::Tensor rotate(const torch::Tensor& x, const torch::Tensor& cos, const torch::Tensor& sin) {
  // TODO 07.3 (4 marks)
  throw NotDone("07.3");
}

// q [B, H, T, Dh], k [B, H, S, Dh], positions int64 [B, T] and [B, S] -> scaled scores [B, H, T, S]
torch::Tensor rotary_scores(const torch::Tensor& q, const torch::Tensor& k,
                            const torch::Tensor& q_positions, const torch::Tensor& k_positions,
                            double base) {
  // TODO 07.4 (3 marks)
  throw NotDone("07.4");
}
