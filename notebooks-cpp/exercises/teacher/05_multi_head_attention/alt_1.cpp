// Another way: one product cut into three, and a loop over heads.
#include "notebooks-cpp/exercises/05_multi_head_attention/multi_head_attention.h"

torch::Tensor share_kv_heads(const torch::Tensor& kv, int64_t heads) {
  std::vector<torch::Tensor> shared;
  for (int64_t h = 0; h < heads; ++h) shared.push_back(kv.select(1, h * kv.size(1) / heads));
  return torch::stack(shared, 1);
}

std::tuple<torch::Tensor, torch::Tensor, torch::Tensor> project_in(const AttentionLayer& layer,
                                                                   const torch::Tensor& x,
                                                                   const torch::Tensor& states) {
  const int64_t Dh = layer.in_weight.size(0) / (layer.heads + 2 * layer.kv_heads);
  const auto all = [&](const torch::Tensor& from) {
    return torch::linear(from, layer.in_weight, layer.in_bias)
        .split_with_sizes({layer.heads * Dh, layer.kv_heads * Dh, layer.kv_heads * Dh}, -1);
  };
  const auto split = [&](const torch::Tensor& t) {
    return t.unflatten(-1, {-1, Dh}).transpose(1, 2);
  };
  const auto of_states = all(states);
  return {split(all(x)[0]), split(of_states[1]), split(of_states[2])};
}

torch::Tensor multi_head_attention(const AttentionLayer& layer, const torch::Tensor& x,
                                   const torch::Tensor& states, bool causal) {
  const auto parts = project_in(layer, x, states);
  std::vector<torch::Tensor> heads;
  for (int64_t h = 0; h < layer.heads; ++h) {
    const int64_t shared = h / (layer.heads / layer.kv_heads);
    const auto q = std::get<0>(parts).select(1, h), k = std::get<1>(parts).select(1, shared);
    auto scores = torch::bmm(q, k.transpose(1, 2)) / std::sqrt(static_cast<double>(q.size(2)));
    if (causal)
      scores = scores + torch::full({x.size(1), states.size(1)}, -1e9).triu(1);  // [B, T, S]
    heads.push_back(torch::softmax(scores, 2).bmm(std::get<2>(parts).select(1, shared)));
  }
  return torch::cat(heads, -1).matmul(layer.out_weight.t()) + layer.out_bias;
}
