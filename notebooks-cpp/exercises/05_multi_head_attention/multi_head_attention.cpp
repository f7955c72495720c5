// Exercise 05: multi-head attention. What to write: README.md beside this file. Grade it: scripts/grade.sh 05
#include "notebooks-cpp/exercises/05_multi_head_attention/multi_head_attention.h"

// kv [B, Hkv, S, Dh] -> [B, H, S, Dh]: query head h reads key-value head h * Hkv / H.
torch::Tensor share_kv_heads(const torch::Tensor& kv, int64_t heads) {
  // TODO 05.1 (1 mark)
  throw NotDone("05.1");
}

// x [B, T, C], states [B, S, C] -> q [B, H, T, Dh] of x, k and v [B, Hkv, S, Dh] of states
std::tuple<torch::Tensor, torch::Tensor, torch::Tensor> project_in(const AttentionLayer& layer,
                                                                   const torch::Tensor& x,
                                                                   const torch::Tensor& states) {
  // TODO 05.2 (3 marks)
  throw NotDone("05.2");
}

// x [B, T, C] asks, states [B, S, C] answer -> [B, T, C]. Only self-attention may be causal.
torch::Tensor multi_head_attention(const AttentionLayer& layer, const torch::Tensor& x,
                                   const torch::Tensor& states, bool causal) {
  // TODO 05.3 (6 marks)
  throw NotDone("05.3");
}
