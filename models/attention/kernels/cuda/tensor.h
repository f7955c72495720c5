// cuda-tensor: the products of a tile on the GPU's tensor cores, in bfloat16 or float16 with sums
// in float32 (FlashAttention-2: Dao 2023, arXiv:2307.08691, sections 3.1 and 3.3).
//
// A tensor core multiplies small matrices that the 32 threads of a warp hold together. A warp owns
// 16 rows (queries; for dk and dv, keys) and their sums, in registers; the four warps of a block
// share tiles of the other side's rows in shared memory. A warp's scores come out in the layout in
// which the next product takes its left factor: they never leave the registers.
//
// While one tile is multiplied, the next one is copied from the GPU's memory (copy_async) into a
// second buffer.
//
// Costs: as cuda-tiled, one read of the other side for 64 rows. Weights (backward: score gradients)
// are rounded to 16 bits before they are multiplied.
#pragma once
#include "models/attention/kernels/cuda/tensor_backward.h"
#include "models/attention/kernels/cuda/tensor_forward.h"

namespace zoo::cuda {

/// cuda-tensor for heads of up to kWidth numbers, as variants.h describes.
template <int kWidth>
struct Tensor {
  static constexpr int kThreads = kBlockThreads, kMinArchitecture = 800;

  template <class Entry>
  static Grid grid(Pass pass, const KernelArgs<float, Entry>& args) {
    const auto [heads, length] = rows_of_pass(pass, args);
    return {heads * blocks_for(length, kBlockRows), kThreads, shared(pass)};
  }
  template <class Block, class Entry>
  ZOO_DEVICE static void forward(Block& block, const KernelArgs<float, Entry>& args,
                                 const KernelOutputs<float, Entry>& outputs) {
    tensor_forward<Entry, kWidth>(block, args, outputs);
  }
  template <class Block, class Entry>
  ZOO_DEVICE static void backward_queries(Block& block, const KernelArgs<float, Entry>& args,
                                          const KernelGradients<float, Entry>& gradients) {
    tensor_backward_queries<Entry, kWidth>(block, args, gradients);
  }
  template <class Block, class Entry>
  ZOO_DEVICE static void backward_keys(Block& block, const KernelArgs<float, Entry>& args,
                                       const KernelGradients<float, Entry>& gradients) {
    tensor_backward_keys<Entry, kWidth>(block, args, gradients);
  }

 private:
  /// Floats of shared memory of a block.
  static constexpr int64_t shared(Pass pass) {
    constexpr int64_t kRow = kTileStep<kWidth> / 2, kRows = kBackwardRows<kWidth>;
    if (pass == Pass::kForward) return 4 * kForwardRows * kRow;
    const int64_t tiles = (2 * kBlockRows + 4 * kRows) * kRow;
    if (pass == Pass::kBackwardQueries) return tiles;
    return tiles + 2 * kRows * static_cast<int64_t>(sizeof(QueryStats) / sizeof(float));
  }
};

}  // namespace zoo::cuda
