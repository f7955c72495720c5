// Exercise 28: routing to experts. What to write: README.md beside this file. Grade it: scripts/grade.sh 28
#include "notebooks-cpp/exercises/28_expert_routing/expert_routing.h"

// logits [N, E] -> weights [N, k], chosen [N, k] int64, most probable first
std::tuple<torch::Tensor, torch::Tensor> route(const torch::Tensor& logits, int64_t top_k,
                                               bool renormalise) {
  // BEGIN SOLUTION 28.1 (2)
  const auto [weights, chosen] = torch::softmax(logits, -1).topk(top_k, -1);  // [N, k]
  return {renormalise ? weights / weights.sum(-1, true) : weights, chosen};
  // END SOLUTION
}

// chosen [N, k] -> bool [N, k]: which choices an expert has room for
torch::Tensor within_capacity(const torch::Tensor& chosen, int64_t n_experts, int64_t capacity) {
  // BEGIN SOLUTION 28.2 (2)
  const auto queue = chosen.t().reshape({-1});  // [k N]: first choices, then second ones
  const auto wants = queue.unsqueeze(-1) == torch::arange(n_experts);        // [k N, E]
  const auto place = wants.cumsum(0).gather(1, queue.unsqueeze(-1));         // from 1 on
  return (place <= capacity).reshape({chosen.size(1), chosen.size(0)}).t();  // [k N, 1] -> [N, k]
  // END SOLUTION
}

// x [N, C], weights [N, k], chosen [N, k], kept bool [N, k] -> [N, C]
torch::Tensor mixture(const torch::Tensor& x, const torch::Tensor& weights,
                      const torch::Tensor& chosen, const torch::Tensor& kept,
                      const std::vector<Expert>& experts) {
  // BEGIN SOLUTION 28.3 (4)
  auto y = torch::zeros_like(x);
  for (size_t e = 0; e < experts.size(); ++e) {
    const auto mine = (chosen == static_cast<int64_t>(e)).logical_and(kept).nonzero();  // [n, 2]
    if (mine.size(0) == 0) continue;
    const auto token = mine.select(1, 0), choice = mine.select(1, 1);  // [n]
    const auto weight = weights.index({token, choice}).unsqueeze(-1);  // [n, 1]
    y = y.index_add(0, token, weight * experts[e](x.index_select(0, token)));
  }
  return y;
  // END SOLUTION
}

// logits [N, E] -> []
torch::Tensor balance_loss(const torch::Tensor& logits, double alpha) {
  // BEGIN SOLUTION 28.4 (2)
  const int64_t E = logits.size(1);
  const auto first = logits.argmax(-1, true) == torch::arange(E);  // [N, E]
  const auto f = first.to(logits.dtype()).mean(0);                 // [E]  Eq. 5
  const auto P = torch::softmax(logits, -1).mean(0);               // [E]  Eq. 6
  return alpha * static_cast<double>(E) * (f * P).sum();           // Eq. 4
  // END SOLUTION
}
