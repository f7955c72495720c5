// Another way: a sort, one-hot counts, and a loop over choices.
#include "notebooks-cpp/exercises/28_expert_routing/expert_routing.h"

std::tuple<torch::Tensor, torch::Tensor> route(const torch::Tensor& logits, int64_t top_k,
                                               bool renormalise) {
  const auto chosen = logits.argsort(-1, true).slice(-1, 0, top_k);
  const auto picked = logits.gather(-1, chosen);
  if (renormalise) return {picked.softmax(-1), chosen};
  return {(picked - logits.logsumexp(-1, true)).exp(), chosen};
}

torch::Tensor within_capacity(const torch::Tensor& chosen, int64_t n_experts, int64_t capacity) {
  auto full = torch::zeros({n_experts}, torch::kLong);
  std::vector<torch::Tensor> columns;
  for (const auto& column : chosen.unbind(1)) {
    const auto hit = torch::one_hot(column, n_experts);
    const auto before = (hit.cumsum(0) - hit + full).mul(hit).sum(-1);
    columns.push_back(before < capacity);
    full = full + hit.sum(0);
  }
  return torch::stack(columns, 1);
}

torch::Tensor mixture(const torch::Tensor& x, const torch::Tensor& weights,
                      const torch::Tensor& chosen, const torch::Tensor& kept,
                      const std::vector<Expert>& experts) {
  auto y = torch::zeros_like(x);
  for (int64_t choice = 0; choice < chosen.size(1); ++choice) {
    for (size_t e = 0; e < experts.size(); ++e) {
      const auto mine = chosen.select(1, choice) == int64_t(e);
      const auto rows = torch::where(mine & kept.select(1, choice))[0];
      const auto out = experts[e](x.index({rows})) * weights.index({rows, choice}).unsqueeze(1);
      y = y.index_put({rows}, y.index({rows}) + out);
    }
  }
  return y;
}

torch::Tensor balance_loss(const torch::Tensor& logits, double alpha) {
  const auto N = logits.size(0), E = logits.size(1);
  const auto counts = torch::bincount(logits.argmax(1), {}, E);
  return (counts * logits.softmax(1).sum(0)).sum() * (alpha * E / (double(N) * N));
}
