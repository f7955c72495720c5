// Dropout on attention weights, from a counter instead of a stream.
//
// Whether weight (b, h, t, s) is kept depends on the seed and on its place alone, so that every
// kernel, whatever order it works in and however it cuts the matrix into tiles, drops the same
// weights, forward and backward.
#pragma once
#include <torch/types.h>

#include <cstdint>

#include "models/attention/philox.h"

namespace zoo {

/// Bool [B, H, T, S], true is kept: the whole mask at once, for kernels that hold the whole matrix
/// anyway. Computed on `device`; the same on every device.
torch::Tensor dropout_mask(double p, uint64_t seed, int64_t B, int64_t H, int64_t T, int64_t S,
                           torch::Device device);

namespace detail {
/// The same mask by torch's integer operations: dropout_mask anywhere but on the CPU. Works through
/// `rows` rows of S weights at a time, which bounds its memory; 0 chooses.
torch::Tensor dropout_mask_by_tensors(double p, uint64_t seed, int64_t B, int64_t H, int64_t T,
                                      int64_t S, torch::Device device, int64_t rows = 0);
}  // namespace detail

}  // namespace zoo
