// auto: chooses a kernel for each call. On the CPU flash, on a GPU torch. A call that flash refuses
// goes to torch, too. Dropout of 16-bit numbers on a GPU goes to cuda-tensor, because torch would
// need the score matrix.
#include "models/attention/kernels/kernels.h"
#include "models/attention/kernels/pointer_kernel.h"

namespace zoo {
namespace {

class AutoKernel final : public AttentionKernel {
 public:
  std::string_view name() const override { return "auto"; }
  std::string_view summary() const override {
    return "flash on the CPU; torch on a GPU (16 bits with dropout: cuda-tensor)";
  }
  std::string refuses(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                      const AttendArgs& args) const override {
    return chosen(q, k, v, args).refuses(q, k, v, args);
  }
  torch::Tensor run(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                    const AttendArgs& args) const override {
    return chosen(q, k, v, args).run(q, k, v, args);
  }

 private:
  static const AttentionKernel& chosen(const torch::Tensor& q, const torch::Tensor& k,
                                       const torch::Tensor& v, const AttendArgs& args) {
    if (flash_kernel().refuses(q, k, v, args).empty()) return flash_kernel();
#if defined(ZOO_CUDA_KERNELS)
    const bool halves = q.scalar_type() == torch::kBFloat16 || q.scalar_type() == torch::kHalf;
    if (halves && args.dropout > 0.0 && cuda_tensor_kernel().refuses(q, k, v, args).empty())
      return cuda_tensor_kernel();
#endif
    return torch_kernel();
  }
};

}  // namespace

const AttentionKernel& auto_kernel() {
  static const AutoKernel kernel;
  return kernel;
}

}  // namespace zoo
