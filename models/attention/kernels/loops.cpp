// loops: the definition, one query at a time, one number at a time.
//
// The simplest kernel: visible_rows.h shows every step of Eq. 1 (Vaswani et al. 2017). Costs
// 4 B H T S Dh operations on one thread, hardly any of them vectorised, and memory for one row of S
// weights. It has no backward pass; `blocked` has the simplest one.
#include "models/attention/kernels/kernels.h"
#include "models/attention/kernels/pointer_kernel.h"
#include "models/attention/kernels/visible_rows.h"

namespace zoo {
namespace {

template <typename Real>
void attend_all(const KernelArgs<Real>& args, const KernelOutputs<Real>& outputs) {
  VisibleRows<Real> rows(args);
  for (int64_t b = 0; b < args.B; ++b) {
    for (int64_t h = 0; h < args.H; ++h) {
      for (int64_t t = 0; t < args.T; ++t) {
        const int64_t row = (b * args.H + h) * args.T + t;
        Real* const weights = outputs.weights == nullptr ? nullptr : outputs.weights + row * args.S;
        rows.attend(b, h, t, outputs.y.at(b, h, t), weights);
      }
    }
  }
}

class LoopsKernel final : public PointerKernel {
 public:
  std::string_view name() const override { return "loops"; }
  std::string_view summary() const override {
    return "the definition in plain loops, on one thread";
  }
  Abilities abilities() const override {
    return {.float64 = true, .weights = true, .score_cap = true, .segments = true};
  }
  void forward(const KernelArgs<float>& args, const KernelOutputs<float>& outputs) const override {
    attend_all(args, outputs);
  }
  void forward(const KernelArgs<double>& args,
               const KernelOutputs<double>& outputs) const override {
    attend_all(args, outputs);
  }
};

}  // namespace

const AttentionKernel& loops_kernel() {
  static const LoopsKernel kernel;
  return kernel;
}

}  // namespace zoo
