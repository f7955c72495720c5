// cuda-tensor: the products of a tile on the GPU's tensor cores, in bfloat16 or float16 with sums
// in float32 (FlashAttention-2: Dao 2023, arXiv:2307.08691, sections 3.1 and 3.3).
//
// A tensor core multiplies pieces of matrices that the 32 threads of a warp hold together. A warp
// has 16 rows of its own (queries; for dk and dv, keys) and their sums in registers, the four warps
// of a block share tiles of the other side's rows in shared memory. A warp's scores come out in
// just the form in which the next product takes them as its left factor: they never leave the
// registers.
//
// While a tile is multiplied, the next one is on its way from the GPU's memory (copy_async): there
// are two places for each.
//
// Costs: as cuda-tiled, one read of the other side for 64 rows; the products are rounded to 16 bits
// once, when weights (backward: gradients of scores) become a factor.
#pragma once
#include "models/attention/kernels/cuda/tensor_backward.h"
#include "models/attention/kernels/cuda/tensor_forward.h"

namespace zoo::cuda {

/// Floats of shared memory of a block.
template <int kWidth>
constexpr int64_t tensor_shared(Pass pass) {
  constexpr int64_t kRow = kTileStep<kWidth> / 2, kRows = kBackwardRows<kWidth>;
  if (pass == Pass::kForward) return 4 * kForwardRows * kRow;
  const int64_t tiles = (2 * kBlockRows + 4 * kRows) * kRow;
  if (pass == Pass::kBackwardQueries) return tiles;
  return tiles + 2 * kRows * static_cast<int64_t>(sizeof(QuerySums) / sizeof(float));
}

template <Pass kPass, int kWidth, class Block, class Entry, class Output>
ZOO_DEVICE void tensor_pass(Block& block, const PlainCall<float, Entry>& call,
                            const Output& output) {
  if constexpr (kPass == Pass::kForward) {
    tensor_forward<Entry, kWidth>(block, call, output);
  } else if constexpr (kPass == Pass::kBackwardQueries) {
    tensor_backward_queries<Entry, kWidth>(block, call, output);
  } else {
    tensor_backward_keys<Entry, kWidth>(block, call, output);
  }
}

}  // namespace zoo::cuda
