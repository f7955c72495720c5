// All attention kernels. To add one: a file of its own, a function here, a line in kernels.cpp.
#pragma once
#include <span>

#include "models/attention/attend.h"
#include "models/attention/kernels/pointer_kernel.h"

namespace zoo {

const AttentionKernel& loops_kernel();    ///< the definition
const AttentionKernel& matmul_kernel();   ///< the formula in torch operations
const AttentionKernel& blocked_kernel();  ///< blocks that fit the cache
const AttentionKernel& online_kernel();   ///< online softmax: no row of scores
const PointerKernel& flash_kernel();      ///< tiles in SIMD registers
const PointerKernel& decode_kernel();     ///< few queries, long cache
const AttentionKernel& torch_kernel();    ///< torch's scaled_dot_product_attention
const AttentionKernel& auto_kernel();     ///< chooses flash, torch or cuda-tensor

// In builds for CUDA only.
const AttentionKernel& cuda_naive_kernel();   ///< one thread a query
const AttentionKernel& cuda_tiled_kernel();   ///< shared memory
const AttentionKernel& cuda_warps_kernel();   ///< one warp a query
const AttentionKernel& cuda_tensor_kernel();  ///< tensor cores

/// In the order of the README's table.
std::span<const AttentionKernel* const> all_kernels();

/// k or v [B, Hkv, S, Dh] -> [B, H, S, Dh]: each key-value head repeated for the query heads that
/// share it.
torch::Tensor repeat_kv_heads(const torch::Tensor& t, int64_t heads);

}  // namespace zoo
