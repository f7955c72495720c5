// cuda-naive, cuda-tiled, cuda-warps, cuda-tensor: the block logic of naive.h, tiled.h, warps.h and
// tensor.h behind attend(). Compiled where the build is one for CUDA (preset cuda). Compared with
// the reference through an emulated block everywhere, and on the GPU where there is one.
#include <c10/core/Stream.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <string>

#include "models/attention/kernels/cuda/launch.h"
#include "models/attention/kernels/kernels.h"
#include "models/attention/kernels/plain_kernel.h"

namespace zoo {
namespace {

/// Where torch queues what comes before and after.
void* current_stream() {
  const c10::impl::VirtualGuardImpl cuda(c10::DeviceType::CUDA);
  return cuda.getStream(cuda.getDevice()).native_handle();
}

class CudaKernel final : public PlainKernel {
 public:
  CudaKernel(cuda::Rung rung, std::string_view name, std::string_view summary)
      : rung_(rung), name_(name), summary_(summary) {}

  std::string_view name() const override { return name_; }
  std::string_view summary() const override { return summary_; }
  Abilities abilities() const override {
    return {.backward = true, .device = c10::DeviceType::CUDA, .widest = cuda::widest(rung_)};
  }
  using PlainKernel::backward;
  using PlainKernel::forward;
  void forward(const PlainCall<float>& call, const PlainResult<float>& result) const override {
    cuda::launch_forward(rung_, call, result, current_stream());
  }
  void backward(const PlainCall<float>& call,
                const PlainGradients<float>& gradients) const override {
    cuda::launch_backward(rung_, call, gradients, current_stream());
  }

 private:
  cuda::Rung rung_;
  std::string_view name_, summary_;
};

class CudaTensorKernel final : public PlainKernel {
 public:
  std::string_view name() const override { return "cuda-tensor"; }
  std::string_view summary() const override {
    return "tiles multiplied by a GPU's tensor cores, in bfloat16 or float16; rounds float32";
  }
  Abilities abilities() const override {
    return {.backward = true,
            .halves = true,
            .device = c10::DeviceType::CUDA,
            .widest = cuda::kMostWidth};
  }
  std::string refuses(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                      const AttendArgs& args) const override {
    std::string why = PlainKernel::refuses(q, k, v, args);
    if (why.empty() && !cuda::has_tensor_cores(q.device().index()))
      why = "this GPU is older than its instructions (it needs generation 8.0); ask kernel 'torch'";
    return why;
  }
  using PlainKernel::backward;
  using PlainKernel::forward;
  void forward(const PlainCall<float, BFloat16Bits>& call,
               const PlainResult<float, BFloat16Bits>& result) const override {
    cuda::launch_forward(call, result, current_stream());
  }
  void forward(const PlainCall<float, Float16Bits>& call,
               const PlainResult<float, Float16Bits>& result) const override {
    cuda::launch_forward(call, result, current_stream());
  }
  void backward(const PlainCall<float, BFloat16Bits>& call,
                const PlainGradients<float, BFloat16Bits>& gradients) const override {
    cuda::launch_backward(call, gradients, current_stream());
  }
  void backward(const PlainCall<float, Float16Bits>& call,
                const PlainGradients<float, Float16Bits>& gradients) const override {
    cuda::launch_backward(call, gradients, current_stream());
  }
};

}  // namespace

const AttentionKernel& cuda_tensor_kernel() {
  static const CudaTensorKernel kernel;
  return kernel;
}

const AttentionKernel& cuda_naive_kernel() {
  static const CudaKernel kernel(cuda::Rung::kNaive, "cuda-naive",
                                 "a GPU thread a query, all from the GPU's memory");
  return kernel;
}

const AttentionKernel& cuda_tiled_kernel() {
  static const CudaKernel kernel(cuda::Rung::kTiled, "cuda-tiled",
                                 "tiles of keys in a GPU block's shared memory");
  return kernel;
}

const AttentionKernel& cuda_warps_kernel() {
  static const CudaKernel kernel(cuda::Rung::kWarps, "cuda-warps",
                                 "a GPU warp a query: online softmax across its lanes");
  return kernel;
}

}  // namespace zoo
