// auto: no rung, but the choice that suits the place: flash on the CPU, and torch's own kernel on a
// GPU and for what flash cannot do.
#include "models/attention/kernels/kernels.h"
#include "models/attention/kernels/plain_kernel.h"

namespace zoo {
namespace {

class AutoKernel final : public AttentionKernel {
 public:
  std::string_view name() const override { return "auto"; }
  std::string_view summary() const override {
    return "flash on the CPU; torch on a GPU, and for what flash cannot do";
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
    return torch_kernel();
  }
};

}  // namespace

const AttentionKernel& auto_kernel() {
  static const AutoKernel kernel;
  return kernel;
}

}  // namespace zoo
