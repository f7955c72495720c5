// Linear attention: the sum over earlier tokens, kept as a matrix. Without a softmax, the weights
// of attention are products, and products can be taken in another order:
//
//   y_t = sum_{s <= t} (q_t . k_s) v_s = q_t (sum_{s <= t} k_s v_s^T) = q_t S_t
//
// S_t is [Dk, Dv] however long the text is. A decay makes it forget: S_t = diag(exp(g_t)) S_{t-1} +
// k_t v_t^T, where the log decays g_t <= 0 are
//   none                Katharopoulos et al. 2020 (arXiv:2006.16236), Eq. 10
//   a constant a head   retention: Sun et al. 2023 (arXiv:2307.08621), Eq. 6
//   one number a token  Mamba-2: Dao & Gu 2024 (arXiv:2405.21060), §2
//   Dk numbers a token  gated linear attention: Yang et al. 2023 (arXiv:2312.06635), §4.1
//
// Three forms give the same numbers:
//   parallel   the matrix of weights, as in attention. Operations 2 T^2 (Dk + Dv) a head, memory
//   T^2
//              (decays by channel: T^2 Dk). For short texts, and to check the others.
//   recurrent  one token after the other. Operations 4 T Dk Dv, memory Dk Dv; T steps that wait for
//              each other. For generation.
//   chunked    parallel within chunks of W tokens, recurrent between them. Operations
//              2 T W (Dk + Dv) + 4 T Dk Dv, memory W (W + Dk) + Dk Dv for each of some chunks (with
//              gradients for all). For training.
//
// Shapes: q, k [B, G, T, Dk], where G divides H (head h reads group h G / H), v [B, H, T, Dv],
// log_decay undefined or broadcastable to [B, H, T, 1] or [B, H, T, Dk], finite; state [B, H, Dk,
// Dv], undefined for zeros. A token with k = 0 and log_decay = 0 leaves the state as it is.
#pragma once
#include <torch/types.h>

#include <cstdint>

namespace zoo {

struct LinearAttentionResult {
  torch::Tensor y;      ///< [B, H, T, Dv]
  torch::Tensor state;  ///< [B, H, Dk, Dv]: after the last token
};

/// From the first token on -> [B, H, T, Dv].
torch::Tensor linear_attention_parallel(const torch::Tensor& q, const torch::Tensor& k,
                                        const torch::Tensor& v, const torch::Tensor& log_decay);
LinearAttentionResult linear_attention_recurrent(const torch::Tensor& q, const torch::Tensor& k,
                                                 const torch::Tensor& v,
                                                 const torch::Tensor& log_decay,
                                                 const torch::Tensor& state = {});
/// W: `chunk`, 1 or more. With one token it is one step of the recurrence.
LinearAttentionResult linear_attention_chunked(const torch::Tensor& q, const torch::Tensor& k,
                                               const torch::Tensor& v,
                                               const torch::Tensor& log_decay,
                                               const torch::Tensor& state, int64_t chunk);
/// Every token sees all S tokens, without decay -> [B, H, T, Dv]. Operations 2 (T + S) Dk Dv.
torch::Tensor linear_attention_full(const torch::Tensor& q, const torch::Tensor& k,
                                    const torch::Tensor& v);

/// Operations of the chunked form's products for one row; by_channel: Dk decays a token.
double linear_attention_operations(int64_t T, int64_t groups, int64_t heads, int64_t key_width,
                                   int64_t value_width, int64_t chunk, bool by_channel = false);

/// The weights' sum as one more value: [B, H, T, Dv] -> [B, H, T, Dv + 1].
torch::Tensor with_ones(const torch::Tensor& v);
/// Divides by it: [B, H, T, Dv + 1] -> [B, H, T, Dv]. A sum of 0 gives 0.
torch::Tensor divided_by_ones(const torch::Tensor& y);

}  // namespace zoo
