#include "train/objectives/next_token.h"

#include "models/layers/token_selection.h"

namespace zoo {

TokenLoss token_loss(const torch::Tensor& logits, const torch::Tensor& targets,
                     double label_smoothing) {
  const auto flat = logits.flatten(0, -2);  // [B * T, V]
  const auto wanted = targets.flatten();    // [B * T]
  const auto entropy = [&](double smoothing) {
    return at::cross_entropy_loss(flat, wanted, {}, at::Reduction::Sum, kIgnored, smoothing);
  };
  TokenLoss loss;
  loss.sum = entropy(label_smoothing);
  if (label_smoothing == 0.0) {
    loss.plain_sum = loss.sum.detach();
  } else {
    const torch::NoGradGuard no_grad;
    loss.plain_sum = entropy(0.0);
  }
  loss.tokens = static_cast<double>(wanted.ne(kIgnored).sum().item<int64_t>());
  return loss;
}

CountedPlaces at_counted_places(const torch::Tensor& hidden, const torch::Tensor& targets) {
  const auto counts = targets.ne(kIgnored);  // [B, T]
  return {.hidden = select_tokens(hidden, indices_of(counts)), .targets = targets.masked_select(counts)};
}

double correct_tokens(const torch::Tensor& logits, const torch::Tensor& targets) {
  const auto right = logits.argmax(-1).eq(targets).logical_and(targets.ne(kIgnored));  // [B, T]
  return static_cast<double>(right.sum().item<int64_t>());
}

}  // namespace zoo
