#include "train/objectives/token_loss.h"

#include "models/layers/token_selection.h"

namespace zoo {

torch::Tensor cross_entropy_sum(const torch::Tensor& logits, const torch::Tensor& targets,
                                double label_smoothing) {
  return at::cross_entropy_loss(logits.flatten(0, -2), targets.flatten(), {}, at::Reduction::Sum,
                                kIgnored, label_smoothing);
}

torch::Tensor count_targets(const torch::Tensor& targets) { return targets.ne(kIgnored).sum(); }

TokenLoss token_loss(const torch::Tensor& logits, const torch::Tensor& targets,
                     double label_smoothing) {
  return {.sum = cross_entropy_sum(logits, targets, label_smoothing),
          .tokens = static_cast<double>(count_targets(targets).item<int64_t>())};
}

TargetStates select_targets(const torch::Tensor& hidden, const torch::Tensor& targets) {
  const auto has_target = targets.ne(kIgnored);  // [B, T]
  return {.hidden = select_tokens(hidden, indices_of(has_target)),
          .targets = targets.masked_select(has_target)};
}

torch::Tensor correct_tokens(const torch::Tensor& logits, const torch::Tensor& targets) {
  return logits.argmax(-1).eq(targets).logical_and(targets.ne(kIgnored)).sum();
}

}  // namespace zoo
