// Exercise 08: ALiBi. What to write: README.md beside this file. Grade it: scripts/grade.sh 08
#include "notebooks-cpp/exercises/08_alibi/alibi.h"

// -> float [H], for any number of heads
torch::Tensor alibi_slopes(int64_t heads) {
  // TODO 08.1 (4 marks)
  throw NotDone("08.1");
}

// slopes [H] -> [H, T + S - 1]: entry s - t + T - 1 is what query t adds to its score of key s.
torch::Tensor alibi_relative_bias(const torch::Tensor& slopes, int64_t T, int64_t S) {
  // TODO 08.2 (3 marks)
  throw NotDone("08.2");
}

// relative_bias [H, T + S - 1] -> [H, T, S]
torch::Tensor dense_bias(const torch::Tensor& relative_bias, int64_t S) {
  // TODO 08.3 (3 marks)
  throw NotDone("08.3");
}
