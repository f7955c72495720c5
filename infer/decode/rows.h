// Rows of a batch that bring different numbers of tokens.
#pragma once
#include <torch/types.h>

namespace zoo {

/// t [B, T, C], of which row b's first counts[b] ([B] int64) are real -> [B, 1, C]: of each row the
/// last real one; where it has none, its first, which means nothing. Undefined stays undefined.
torch::Tensor last_counted(const torch::Tensor& t, const torch::Tensor& counts);

}  // namespace zoo
