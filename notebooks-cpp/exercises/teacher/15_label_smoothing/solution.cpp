// Exercise 15: label smoothing. What to write: README.md beside this file. Grade it: scripts/grade.sh 15
#include "notebooks-cpp/exercises/15_label_smoothing/label_smoothing.h"

// targets [...] int64 -> float [..., V]; an ignored target gives zeros
torch::Tensor smoothed_targets(const torch::Tensor& targets, int64_t vocab_size,
                               double label_smoothing) {
  // BEGIN SOLUTION 15.1 (3)
  const auto hit = targets.unsqueeze(-1) == torch::arange(vocab_size);  // [..., V]
  const auto counted = (targets != kIgnored).unsqueeze(-1);             // [..., 1]
  const double share = label_smoothing / static_cast<double>(vocab_size);
  return ((1 - label_smoothing) * hit + share) * counted;
  // END SOLUTION
}

// logits [..., V], targets [...] -> []: mean over the targets that are not ignored
torch::Tensor cross_entropy_mean(const torch::Tensor& logits, const torch::Tensor& targets,
                                 double label_smoothing) {
  // BEGIN SOLUTION 15.2 (5)
  const auto wanted = smoothed_targets(targets, logits.size(-1), label_smoothing);  // [..., V]
  const auto sum = -(wanted * torch::log_softmax(logits, -1)).sum();
  return sum / (targets != kIgnored).sum().clamp_min(1);
  // END SOLUTION
}

// logits [..., V], targets [...] -> [..., V]: gradient of the mean, without autograd
torch::Tensor cross_entropy_gradient(const torch::Tensor& logits, const torch::Tensor& targets,
                                     double label_smoothing) {
  // BEGIN SOLUTION 15.3 (2)
  const auto counted = (targets != kIgnored).unsqueeze(-1);  // [..., 1]
  const auto wanted = smoothed_targets(targets, logits.size(-1), label_smoothing);
  return (torch::softmax(logits, -1) * counted - wanted) / counted.sum().clamp_min(1);
  // END SOLUTION
}
