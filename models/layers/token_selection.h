// Selects some tokens of a batch, so that a head computes only those it needs.
#pragma once
#include <torch/types.h>

namespace zoo {

/// chosen [B, T] bool -> [N] int64: indices b T + t of the true entries, in row order.
torch::Tensor indices_of(const torch::Tensor& chosen);
/// t [B, T, ...], indices [N] -> [N, ...]
torch::Tensor select_tokens(const torch::Tensor& t, const torch::Tensor& indices);

}  // namespace zoo
