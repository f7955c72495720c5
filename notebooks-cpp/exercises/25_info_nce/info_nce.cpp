// Exercise 25: InfoNCE. What to write: README.md beside this file. Grade it: scripts/grade.sh 25
#include "notebooks-cpp/exercises/25_info_nce/info_nce.h"

// images, texts [B, C] -> [B, B]: rows are images
torch::Tensor pair_logits(const torch::Tensor& images, const torch::Tensor& texts,
                          double temperature) {
  // TODO 25.1 (4 marks)
  throw NotDone("25.1");
}

// logits [B, B] -> []
torch::Tensor info_nce_loss(const torch::Tensor& logits) {
  // TODO 25.2 (6 marks)
  throw NotDone("25.2");
}
