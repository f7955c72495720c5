// Another way: sums over named axes; query heads in groups, so that no key is repeated.
#include "notebooks-cpp/exercises/05_multi_head_attention/multi_head_attention.h"

torch::Tensor share_kv_heads(const torch::Tensor& kv, int64_t heads) {
  const int64_t group = heads / kv.size(1);
  return kv.unsqueeze(2).expand({-1, -1, group, -1, -1}).flatten(1, 2);
}

std::tuple<torch::Tensor, torch::Tensor, torch::Tensor> project_in(const AttentionLayer& layer,
                                                                   const torch::Tensor& x,
                                                                   const torch::Tensor& states) {
  const int64_t H = layer.heads, G = layer.kv_heads;
  const auto W = layer.in_weight.view({H + 2 * G, -1, layer.in_weight.size(1)});
  const auto b = layer.in_bias.view({H + 2 * G, 1, -1});
  const auto of = [&](const torch::Tensor& t, int64_t from, int64_t to) {
    return torch::einsum("btc,hdc->bhtd", {t, W.slice(0, from, to)}) + b.slice(0, from, to);
  };
  return {of(x, 0, H), of(states, H, H + G), of(states, H + G, H + 2 * G)};
}

torch::Tensor multi_head_attention(const AttentionLayer& layer, const torch::Tensor& x,
                                   const torch::Tensor& states, bool causal) {
  const auto [q, k, v] = project_in(layer, x, states);
  const auto grouped = q.unflatten(1, {layer.kv_heads, -1});  // [B, Hkv, H / Hkv, T, Dh]
  auto scores = torch::einsum("bghtd,bgsd->bghts", {grouped, k}) * std::pow(q.size(-1), -0.5);
  if (causal) {
    const auto seen = torch::ones({x.size(1), states.size(1)}).tril();
    scores = torch::where(seen > 0, scores, -1e9);
  }
  const auto y = torch::einsum("bghts,bgsd->btghd", {scores.softmax(-1), v});
  return torch::linear(y.flatten(2), layer.out_weight) + layer.out_bias;
}
