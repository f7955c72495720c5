// Exercise 06: sinusoidal positions. What to write: README.md beside this file. Grade it: scripts/grade.sh 06
#include "notebooks-cpp/exercises/06_sinusoidal_positions/sinusoidal_positions.h"

// -> float [P, C]: PE(p, 2i) = sin(p / 10000^(2i / C)), PE(p, 2i + 1) = cos of the same angle
torch::Tensor sinusoidal_table(int64_t max_positions, int64_t d_model) {
  // BEGIN SOLUTION 06.1 (4)
  const auto positions = torch::arange(max_positions, torch::kDouble).unsqueeze(1);  // [P, 1]
  const auto exponents = torch::arange(0, d_model, 2, torch::kDouble) / d_model;  // [ceil(C / 2)]
  const auto angles = positions / torch::pow(10000.0, exponents);  // [P, ceil(C / 2)]
  const auto pairs = torch::stack({angles.sin(), angles.cos()}, -1).flatten(1);
  return pairs.narrow(1, 0, d_model).to(torch::kFloat);  // an odd C ends in a sine
  // END SOLUTION
}

// x [B, T, C], table [P, C], positions int64 [B, T] or [1, T] -> [B, T, C]
torch::Tensor add_positions(const torch::Tensor& x, const torch::Tensor& table,
                            const torch::Tensor& positions) {
  // BEGIN SOLUTION 06.2 (4)
  return x + table.index({positions});
  // END SOLUTION
}

// -> float [C, C], C even: M with M PE(p) = PE(p + steps) for every p
torch::Tensor shift_matrix(int64_t steps, int64_t d_model) {
  // BEGIN SOLUTION 06.3 (2)
  auto M = torch::zeros({d_model, d_model});
  for (int64_t c = 0; c < d_model; c += 2) {
    const double angle = steps / std::pow(10000.0, static_cast<double>(c) / d_model);
    M[c][c] = M[c + 1][c + 1] = std::cos(angle);
    M[c][c + 1] = std::sin(angle);  // sin(a + b) = sin a cos b + cos a sin b
    M[c + 1][c] = -std::sin(angle);
  }
  return M;
  // END SOLUTION
}
