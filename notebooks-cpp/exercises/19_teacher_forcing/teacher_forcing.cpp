// Exercise 19: teacher forcing. What to write: README.md beside this file. Grade it: scripts/grade.sh 19
#include "notebooks-cpp/exercises/19_teacher_forcing/teacher_forcing.h"

// B texts -> inputs and targets [B, T] int64
std::tuple<torch::Tensor, torch::Tensor> collate_targets(
    const std::vector<std::vector<int64_t>>& texts, int64_t start, int64_t end, int64_t pad) {
  // TODO 19.1 (4 marks)
  throw NotDone("19.1");
}

// logits [B, T, V], targets [B, T] int64 -> []
torch::Tensor next_token_loss(const torch::Tensor& logits, const torch::Tensor& targets) {
  // TODO 19.2 (6 marks)
  throw NotDone("19.2");
}
