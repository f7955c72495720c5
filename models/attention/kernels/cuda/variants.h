// The variants of the CUDA kernels behind one interface. No CUDA in here: the emulation includes
// it, too.
#pragma once
#include <cstdint>
#include <type_traits>

#include "models/attention/kernels/cuda/naive.h"
#include "models/attention/kernels/cuda/tensor.h"
#include "models/attention/kernels/cuda/tiled.h"
#include "models/attention/kernels/cuda/warps.h"

namespace zoo::cuda {

/// Each is a class with
///
///   kThreads          threads of a block
///   kMinArchitecture  the oldest __CUDA_ARCH__ that it is compiled for
///   grid(pass, args)  how a pass is divided into blocks
///   forward, backward_queries, backward_keys  (block, args, outputs or gradients)
///                     the work of one thread in a pass
enum class Variant { kNaive, kTiled, kWarps, kTensor };

/// The work of one thread in a pass; output is KernelOutputs forward, KernelGradients backward.
template <class Chosen, Pass kPass, class Block, class Args, class Output>
ZOO_DEVICE void run_thread(Block& block, const Args& args, const Output& output) {
  if constexpr (kPass == Pass::kForward) {
    Chosen::forward(block, args, output);
  } else if constexpr (kPass == Pass::kBackwardQueries) {
    Chosen::backward_queries(block, args, output);
  } else {
    Chosen::backward_keys(block, args, output);
  }
}

/// Computes in bfloat16 or float16; the others in float32.
constexpr bool is_16_bit(Variant variant) { return variant == Variant::kTensor; }

/// Widest head; 0: any.
constexpr int64_t max_head_width(Variant variant) {
  return variant == Variant::kNaive ? 0 : kMaxWidth;
}

/// Calls f with an object of the variant's class; of cuda-tensor's classes the narrowest that holds
/// a head of Dh numbers.
template <class Entry, class F>
void with_variant(Variant variant, int64_t Dh, F f) {
  if constexpr (!std::is_same_v<Entry, float>) {
    if (Dh <= 32) return f(Tensor<32>{});
    if (Dh <= 64) return f(Tensor<64>{});
    return f(Tensor<kMaxWidth>{});
  } else {
    if (variant == Variant::kNaive) return f(Naive{});
    if (variant == Variant::kTiled) return f(Tiled{});
    return f(Warps{});
  }
}

}  // namespace zoo::cuda
