#pragma once
#include "notebooks-cpp/exercises/grader/student.h"

/// As in the zoo's MultiHeadAttention: in_weight holds rows for queries, then keys, then values.
struct AttentionLayer {
  torch::Tensor in_weight, in_bias;    // [H Dh + 2 Hkv Dh, C], [H Dh + 2 Hkv Dh]
  torch::Tensor out_weight, out_bias;  // [C, H Dh], [C]
  int64_t heads = 0, kv_heads = 0;     // H, Hkv; Hkv divides H
};

torch::Tensor share_kv_heads(const torch::Tensor& kv, int64_t heads);
std::tuple<torch::Tensor, torch::Tensor, torch::Tensor> project_in(const AttentionLayer& layer,
                                                                   const torch::Tensor& x,
                                                                   const torch::Tensor& states);
torch::Tensor multi_head_attention(const AttentionLayer& layer, const torch::Tensor& x,
                                   const torch::Tensor& states, bool causal);
