// Some tokens of a batch instead of all: what a head must not be computed for costs nothing.
#pragma once
#include <torch/types.h>

namespace zoo {

/// chosen [B, T] bool -> [N] int64: the indices of those that are true, row by row, each b T + t
torch::Tensor indices_of(const torch::Tensor& chosen);
/// t [B, T, ...], indices [N] -> [N, ...]
torch::Tensor select_tokens(const torch::Tensor& t, const torch::Tensor& indices);

}  // namespace zoo
