// Another way: token after token.
#include "notebooks-cpp/exercises/28_expert_routing/expert_routing.h"

std::tuple<torch::Tensor, torch::Tensor> route(const torch::Tensor& logits, int64_t top_k,
                                               bool renormalise) {
  std::vector<torch::Tensor> weights, chosen;
  for (const auto& row : logits.unbind(0)) {
    auto p = (row - row.max()).exp();
    p = p / p.sum();
    auto left = p.detach().clone();
    std::vector<int64_t> picks;
    std::vector<torch::Tensor> of_picks;
    for (int64_t n = 0; n < top_k; ++n) {
      picks.push_back(left.argmax().item<int64_t>());
      of_picks.push_back(p[picks.back()]);
      left[picks.back()] = -1;
    }
    const auto w = torch::stack(of_picks);
    weights.push_back(renormalise ? w / w.sum() : w);
    chosen.push_back(torch::tensor(picks));
  }
  return {torch::stack(weights), torch::stack(chosen)};
}

torch::Tensor within_capacity(const torch::Tensor& chosen, int64_t n_experts, int64_t capacity) {
  std::vector<int64_t> room(n_experts, capacity);
  auto kept = torch::zeros_like(chosen, torch::kBool);
  for (int64_t choice = 0; choice < chosen.size(1); ++choice)
    for (int64_t n = 0; n < chosen.size(0); ++n)
      if (room[chosen[n][choice].item<int64_t>()]-- > 0) kept[n][choice] = true;
  return kept;
}

torch::Tensor mixture(const torch::Tensor& x, const torch::Tensor& weights,
                      const torch::Tensor& chosen, const torch::Tensor& kept,
                      const std::vector<Expert>& experts) {
  std::vector<torch::Tensor> rows;
  for (int64_t n = 0; n < x.size(0); ++n) {
    auto row = x.new_zeros({1, x.size(1)});
    for (int64_t choice = 0; choice < chosen.size(1); ++choice)
      if (kept[n][choice].item<bool>())
        row = row +
              experts[chosen[n][choice].item<int64_t>()](x[n].unsqueeze(0)) * weights[n][choice];
    rows.push_back(row);
  }
  return torch::cat(rows);
}

torch::Tensor balance_loss(const torch::Tensor& logits, double alpha) {
  const auto p = torch::softmax(logits, 1);
  auto loss = torch::zeros({});
  for (int64_t e = 0; e < logits.size(1); ++e)
    loss = loss + (logits.argmax(1) == e).to(torch::kFloat).mean() * p.select(1, e).mean();
  return loss * double(logits.size(1)) * alpha;
}
