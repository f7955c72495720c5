// Exercise 15: label smoothing. What to write: README.md beside this file. Grade it: scripts/grade.sh 15
#include "notebooks-cpp/exercises/15_label_smoothing/label_smoothing.h"

// targets [...] int64 -> float [..., V]; an ignored target gives zeros
torch::Tensor smoothed_targets(const torch::Tensor& targets, int64_t vocab_size,
                               double label_smoothing) {
  // TODO 15.1 (3 marks)
  throw NotDone("15.1");
}

// logits [..., V], targets [...] -> []: mean over the targets that are not ignored
torch::Tensor cross_entropy_mean(const torch::Tensor& logits, const torch::Tensor& targets,
                                 double label_smoothing) {
  // TODO 15.2 (5 marks)
  throw NotDone("15.2");
}

// logits [..., V], targets [...] -> [..., V]: gradient of the mean, without autograd
torch::Tensor cross_entropy_gradient(const torch::Tensor& logits, const torch::Tensor& targets,
                                     double label_smoothing) {
  // TODO 15.3 (2 marks)
  throw NotDone("15.3");
}
