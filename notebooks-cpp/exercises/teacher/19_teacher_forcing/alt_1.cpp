// Another way: rows that are filled up as lists, and a loss token by token.
#include "notebooks-cpp/exercises/19_teacher_forcing/teacher_forcing.h"

std::tuple<torch::Tensor, torch::Tensor> collate_targets(
    const std::vector<std::vector<int64_t>>& texts, int64_t start, int64_t end, int64_t pad) {
  size_t longest = 0;
  for (const auto& text : texts) longest = std::max(longest, text.size());
  std::vector<torch::Tensor> inputs, targets;
  for (auto text : texts) {
    auto asked = text;
    text.insert(text.begin(), start);
    asked.push_back(end);
    text.resize(longest + 1, pad);
    asked.resize(longest + 1, kIgnored);
    inputs.push_back(torch::tensor(text, torch::kLong));
    targets.push_back(torch::tensor(asked, torch::kLong));
  }
  return {torch::stack(inputs), torch::stack(targets)};
}

torch::Tensor next_token_loss(const torch::Tensor& logits, const torch::Tensor& targets) {
  torch::Tensor sum = 0 * logits.sum();
  int64_t count = 0;
  for (int64_t b = 0; b < targets.size(0); ++b)
    for (int64_t t = 0; t < targets.size(1); ++t) {
      const auto target = targets[b][t].item<int64_t>();
      if (target == kIgnored) continue;
      sum = sum + logits[b][t].logsumexp(-1) - logits[b][t][target];
      ++count;
    }
  return count == 0 ? sum : sum / count;
}
