// cuda-naive, cuda-tiled, cuda-warps, cuda-tensor: the block code of naive.h, tiled.h, warps.h and
// tensor.h behind attend(). Compiled in builds for CUDA (preset cuda).
#include <c10/core/Stream.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <string>

#include "models/attention/kernels/cuda/launch.h"
#include "models/attention/kernels/kernels.h"
#include "models/attention/kernels/pointer_kernel.h"

namespace zoo {
namespace {

/// The stream on which torch queues its own work.
void* current_stream() {
  const c10::impl::VirtualGuardImpl cuda(c10::DeviceType::CUDA);
  return cuda.getStream(cuda.getDevice()).native_handle();
}

class CudaKernel final : public PointerKernel {
 public:
  CudaKernel(cuda::Variant variant, std::string_view name, std::string_view summary)
      : variant_(variant), name_(name), summary_(summary) {}

  std::string_view name() const override { return name_; }
  std::string_view summary() const override { return summary_; }
  Abilities abilities() const override {
    return {.backward = true,
            .halves = cuda::is_16_bit(variant_),
            .device = c10::DeviceType::CUDA,
            .max_head_width = cuda::max_head_width(variant_)};
  }
  std::string refuses(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                      const AttendArgs& args) const override {
    std::string why = PointerKernel::refuses(q, k, v, args);
    if (why.empty() && variant_ == cuda::Variant::kTensor &&
        !cuda::has_tensor_cores(q.device().index()))
      why = "it needs a GPU of compute capability 8.0 or later; use kernel 'torch'";
    return why;
  }

  using PointerKernel::backward;
  using PointerKernel::forward;
  void forward(const KernelArgs<float>& args, const KernelOutputs<float>& outputs) const override {
    cuda::launch_forward(variant_, args, outputs, current_stream());
  }
  void backward(const KernelArgs<float>& args,
                const KernelGradients<float>& gradients) const override {
    cuda::launch_backward(variant_, args, gradients, current_stream());
  }
  void forward(const KernelArgs<float, BFloat16Bits>& args,
               const KernelOutputs<float, BFloat16Bits>& outputs) const override {
    cuda::launch_forward(variant_, args, outputs, current_stream());
  }
  void backward(const KernelArgs<float, BFloat16Bits>& args,
                const KernelGradients<float, BFloat16Bits>& gradients) const override {
    cuda::launch_backward(variant_, args, gradients, current_stream());
  }
  void forward(const KernelArgs<float, Float16Bits>& args,
               const KernelOutputs<float, Float16Bits>& outputs) const override {
    cuda::launch_forward(variant_, args, outputs, current_stream());
  }
  void backward(const KernelArgs<float, Float16Bits>& args,
                const KernelGradients<float, Float16Bits>& gradients) const override {
    cuda::launch_backward(variant_, args, gradients, current_stream());
  }

 private:
  cuda::Variant variant_;
  std::string_view name_, summary_;
};

}  // namespace

const AttentionKernel& cuda_naive_kernel() {
  static const CudaKernel kernel(cuda::Variant::kNaive, "cuda-naive",
                                 "a GPU thread a query, all from the GPU's memory");
  return kernel;
}

const AttentionKernel& cuda_tiled_kernel() {
  static const CudaKernel kernel(cuda::Variant::kTiled, "cuda-tiled",
                                 "tiles of keys in a GPU block's shared memory");
  return kernel;
}

const AttentionKernel& cuda_warps_kernel() {
  static const CudaKernel kernel(cuda::Variant::kWarps, "cuda-warps",
                                 "a GPU warp a query: online softmax across its lanes");
  return kernel;
}

const AttentionKernel& cuda_tensor_kernel() {
  static const CudaKernel kernel(
      cuda::Variant::kTensor, "cuda-tensor",
      "tiles multiplied by a GPU's tensor cores, in bfloat16 or float16; rounds float32");
  return kernel;
}

}  // namespace zoo
