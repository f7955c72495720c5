// Exercise 06: sinusoidal positions. What to write: README.md beside this file. Grade it: scripts/grade.sh 06
#include "notebooks-cpp/exercises/06_sinusoidal_positions/sinusoidal_positions.h"

// -> float [P, C]: PE(p, 2i) = sin(p / 10000^(2i / C)), PE(p, 2i + 1) = cos of the same angle
torch::Tensor sinusoidal_table(int64_t max_positions, int64_t d_model) {
  // TODO 06.1 (4 marks)
  throw NotDone("06.1");
}

// x [B, T, C], table [P, C], positions int64 [B, T] or [1, T] -> [B, T, C]
torch::Tensor add_positions(const torch::Tensor& x, const torch::Tensor& table,
                            const torch::Tensor& positions) {
  // TODO 06.2 (4 marks)
  throw NotDone("06.2");
}

// -> float [C, C], C even: M with M PE(p) = PE(p + steps) for every p
torch::Tensor shift_matrix(int64_t steps, int64_t d_model) {
  // TODO 06.3 (2 marks)
  throw NotDone("06.3");
}
