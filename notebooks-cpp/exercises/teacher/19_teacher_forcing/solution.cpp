// Exercise 19: teacher forcing. What to write: README.md beside this file. Grade it: scripts/grade.sh 19
#include "notebooks-cpp/exercises/19_teacher_forcing/teacher_forcing.h"

// B texts -> inputs and targets [B, T] int64
std::tuple<torch::Tensor, torch::Tensor> collate_targets(
    const std::vector<std::vector<int64_t>>& texts, int64_t start, int64_t end, int64_t pad) {
  // BEGIN SOLUTION 19.1 (4)
  int64_t T = 1;
  for (const auto& text : texts) T = std::max(T, static_cast<int64_t>(text.size()) + 1);
  const auto B = static_cast<int64_t>(texts.size());
  const auto inputs = torch::full({B, T}, pad, torch::kLong);
  const auto targets = torch::full({B, T}, kIgnored, torch::kLong);
  for (int64_t b = 0; b < B; ++b) {
    const auto text = torch::tensor(texts[b], torch::kLong);  // [length]
    const int64_t length = text.size(0);
    inputs[b][0] = start;
    inputs[b].narrow(0, 1, length).copy_(text);
    targets[b].narrow(0, 0, length).copy_(text);
    targets[b][length] = end;
  }
  return {inputs, targets};
  // END SOLUTION
}

// logits [B, T, V], targets [B, T] int64 -> []
torch::Tensor next_token_loss(const torch::Tensor& logits, const torch::Tensor& targets) {
  // BEGIN SOLUTION 19.2 (6)
  const auto counts = targets.ne(kIgnored);                                        // [B, T]
  const auto tokens = targets.masked_fill(counts.logical_not(), 0).unsqueeze(-1);  // [B, T, 1]
  const auto log_p = logits.log_softmax(-1).gather(-1, tokens).squeeze(-1);        // [B, T]
  return -(log_p * counts).sum() / counts.sum().clamp_min(1);
  // END SOLUTION
}
