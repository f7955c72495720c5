// The CUDA rungs by name, and the shape of their grids. No CUDA in here: the emulation uses it,
// too.
#pragma once
#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "models/attention/kernels/cuda/naive.h"
#include "models/attention/kernels/cuda/tensor.h"
#include "models/attention/kernels/cuda/tiled.h"
#include "models/attention/kernels/cuda/warps.h"

namespace zoo::cuda {

/// Those that compute in float32; cuda-tensor is a family of its own below.
enum class Rung { kNaive, kTiled, kWarps };

inline Grid grid_of(Rung rung, Pass pass, const PlainCall<float>& call) {
  const auto [heads, length] = rows_of_pass(pass, call);
  const auto blocks_for = [](int64_t rows, int64_t each) { return (rows + each - 1) / each; };
  switch (rung) {
    case Rung::kNaive:
      return {blocks_for(heads * length, 128), 128, 0};
    case Rung::kTiled:
      return {heads * blocks_for(length, 64), 64, tiled_shared(call.Dh)};
    case Rung::kWarps:
      break;
  }
  return {blocks_for(heads * length, 4), 4 * kWarp, 0};
}

/// Widest head of a rung; 0: any.
inline int64_t widest(Rung rung) { return rung == Rung::kNaive ? 0 : kMostWidth; }

template <Rung kRung, class Block>
ZOO_DEVICE void forward(Block& block, const PlainCall<float>& call,
                        const PlainResult<float>& result) {
  if constexpr (kRung == Rung::kNaive) {
    naive_forward(block, call, result);
  } else if constexpr (kRung == Rung::kTiled) {
    tiled_forward(block, call, result);
  } else {
    warps_forward(block, call, result);
  }
}

template <Rung kRung, class Block>
ZOO_DEVICE void backward_queries(Block& block, const PlainCall<float>& call,
                                 const PlainGradients<float>& gradients) {
  if constexpr (kRung == Rung::kNaive) {
    naive_backward_queries(block, call, gradients);
  } else if constexpr (kRung == Rung::kTiled) {
    tiled_backward_queries(block, call, gradients);
  } else {
    warps_backward_queries(block, call, gradients);
  }
}

template <Rung kRung, class Block>
ZOO_DEVICE void backward_keys(Block& block, const PlainCall<float>& call,
                              const PlainGradients<float>& gradients) {
  if constexpr (kRung == Rung::kNaive) {
    naive_backward_keys(block, call, gradients);
  } else if constexpr (kRung == Rung::kTiled) {
    tiled_backward_keys(block, call, gradients);
  } else {
    warps_backward_keys(block, call, gradients);
  }
}

/// Calls f with the least width of cuda-tensor that holds a head.
template <class F>
void with_tensor_width(int64_t Dh, F f) {
  if (Dh <= 32) return f(std::integral_constant<int, 32>{});
  if (Dh <= 64) return f(std::integral_constant<int, 64>{});
  return f(std::integral_constant<int, kMostWidth>{});
}

template <int kWidth, class Entry>
Grid tensor_grid(Pass pass, const PlainCall<float, Entry>& call) {
  const auto [heads, length] = rows_of_pass(pass, call);
  return {heads * ((length + kBlockRows - 1) / kBlockRows), kBlockThreads,
          tensor_shared<kWidth>(pass)};
}

}  // namespace zoo::cuda
