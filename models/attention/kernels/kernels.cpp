// The list of kernels.
#include "models/attention/kernels/kernels.h"

namespace zoo {

std::span<const AttentionKernel* const> all_kernels() {
  static const AttentionKernel* const kernels[] = {
    &loops_kernel(),
    &matmul_kernel(),
    &blocked_kernel(),
    &online_kernel(),
    &flash_kernel(),
    &decode_kernel(),
#if defined(ZOO_CUDA_KERNELS)
    &cuda_naive_kernel(),
    &cuda_tiled_kernel(),
    &cuda_warps_kernel(),
    &cuda_tensor_kernel(),
#endif
    &torch_kernel(),
    &auto_kernel()
  };
  return kernels;
}

torch::Tensor repeat_kv_heads(const torch::Tensor& t, int64_t heads) {
  const int64_t group = heads / t.size(1);
  return group == 1 ? t : t.repeat_interleave(group, 1);
}

}  // namespace zoo
