// Exercise 05: multi-head attention. What to write: README.md beside this file. Grade it: scripts/grade.sh 05
#include "notebooks-cpp/exercises/05_multi_head_attention/multi_head_attention.h"

// kv [B, Hkv, S, Dh] -> [B, H, S, Dh]: query head h reads key-value head h * Hkv / H.
torch::Tensor share_kv_heads(const torch::Tensor& kv, int64_t heads) {
  // BEGIN SOLUTION 05.1 (1)
  return kv.repeat_interleave(heads / kv.size(1), 1);  // each head H / Hkv times in a row
  // END SOLUTION
}

// x [B, T, C], states [B, S, C] -> q [B, H, T, Dh] of x, k and v [B, Hkv, S, Dh] of states
std::tuple<torch::Tensor, torch::Tensor, torch::Tensor> project_in(const AttentionLayer& layer,
                                                                   const torch::Tensor& x,
                                                                   const torch::Tensor& states) {
  // BEGIN SOLUTION 05.2 (3)
  const int64_t H = layer.heads, Hkv = layer.kv_heads, all = H + 2 * Hkv;
  const auto weight = layer.in_weight.unflatten(0, {all, -1});  // [H + 2 Hkv, Dh, C]
  const auto bias = layer.in_bias.view({all, 1, -1});           // [H + 2 Hkv, 1, Dh]
  const auto heads_of = [&](const torch::Tensor& from, int64_t first, int64_t count) {
    const auto W = weight.narrow(0, first, count).mT();                 // [heads, C, Dh]
    return from.unsqueeze(1).matmul(W) + bias.narrow(0, first, count);  // [B, heads, T, Dh]
  };
  return {heads_of(x, 0, H), heads_of(states, H, Hkv), heads_of(states, H + Hkv, Hkv)};
  // END SOLUTION
}

// x [B, T, C] asks, states [B, S, C] answer -> [B, T, C]. Only self-attention may be causal.
torch::Tensor multi_head_attention(const AttentionLayer& layer, const torch::Tensor& x,
                                   const torch::Tensor& states, bool causal) {
  // BEGIN SOLUTION 05.3 (6)
  const auto [q, few_k, few_v] = project_in(layer, x, states);
  const auto k = share_kv_heads(few_k, layer.heads);               // [B, H, S, Dh]
  const auto v = share_kv_heads(few_v, layer.heads);               // [B, H, S, Dh]
  auto scores = q.matmul(k.mT()) / std::sqrt(double(q.size(-1)));  // [B, H, T, S]
  const auto later = torch::ones({x.size(1), states.size(1)}, torch::kBool).triu(1);
  if (causal) scores = scores.masked_fill(later, -std::numeric_limits<double>::infinity());
  const auto y = scores.softmax(-1).matmul(v).transpose(1, 2).flatten(2);  // [B, T, H Dh]
  return torch::linear(y, layer.out_weight, layer.out_bias);               // [B, T, C]
  // END SOLUTION
}
