// Rows of a batch with different numbers of tokens.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <span>
#include <vector>

namespace zoo {

/// t [B, T, C], of which row b's first counts[b] ([B] int64) are valid -> [B, 1, C]: the last valid
/// one of each row; for a row without any, its first, which is meaningless. Undefined stays
/// undefined.
torch::Tensor last_counted(const torch::Tensor& t, const torch::Tensor& counts);

/// The rows of a, then those of b: [B, ..] and [B', ..] -> [B + B', ..]. Dimension `dim` of both is
/// cut or zero-padded to `length`.
torch::Tensor join_rows(const torch::Tensor& a, const torch::Tensor& b, int64_t dim,
                        int64_t length);

torch::Tensor to_tensor(std::span<const int64_t> values);     ///< [N] int64, on the CPU
std::vector<int64_t> to_vector(const torch::Tensor& values);  ///< of [N] integers on any device

}  // namespace zoo
