// Dropout on attention weights from a counter-based generator.
//
// Whether weight (b, h, t, s) is kept depends on the seed and its indices alone. So every kernel
// drops the same weights, forward and backward, in whatever order and tiles it computes them.
#pragma once
#include <torch/types.h>

#include <cstdint>

#include "models/attention/philox.h"

namespace zoo {

/// The mask, bool [B, H, T, S], true: kept. Its rows (b, h, t) are numbered from first_row on.
/// Computed on `device`, with the same result on every device.
torch::Tensor dropout_mask(double p, uint64_t seed, int64_t B, int64_t H, int64_t T, int64_t S,
                           torch::Device device, int64_t first_row = 0);

namespace detail {
/// The same mask by torch's integer operations, for devices other than the CPU. Computes `rows`
/// rows of S weights at a time to bound its memory; 0: a default.
torch::Tensor dropout_mask_by_tensors(double p, uint64_t seed, int64_t B, int64_t H, int64_t T,
                                      int64_t S, torch::Device device, int64_t rows = 0,
                                      int64_t first_row = 0);
}  // namespace detail

}  // namespace zoo
