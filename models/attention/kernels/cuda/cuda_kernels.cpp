// cuda-naive, cuda-tiled, cuda-warps: the block logic of naive.h, tiled.h and warps.h behind
// attend(). Compiled where the build is one for CUDA (preset cuda). Compared with the reference
// through an emulated block; never run on a GPU so far.
#include <string>

#include "models/attention/kernels/cuda/launch.h"
#include "models/attention/kernels/kernels.h"
#include "models/attention/kernels/plain_kernel.h"

namespace zoo {
namespace {

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
    cuda::launch_forward(rung_, call, result);
  }
  void backward(const PlainCall<float>& call,
                const PlainGradients<float>& gradients) const override {
    cuda::launch_backward(rung_, call, gradients);
  }

 private:
  cuda::Rung rung_;
  std::string_view name_, summary_;
};

}  // namespace

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
