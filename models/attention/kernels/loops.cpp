// loops: the definition, one query at a time, one number at a time.
//
// The first rung: nothing to admire but that every step of Eq. 1 (Vaswani et al. 2017) can be read
// off (in seen_rows.h). Costs 4 B H T S Dh operations on one thread, of which hardly any share a
// SIMD register, and memory for one row of S weights. No backward pass: to see that in small steps,
// read `blocked`.
#include "models/attention/kernels/kernels.h"
#include "models/attention/kernels/plain_kernel.h"
#include "models/attention/kernels/seen_rows.h"

namespace zoo {
namespace {

template <typename Real>
void attend_all(const PlainCall<Real>& call, const PlainResult<Real>& result) {
  SeenRows<Real> rows(call);
  for (int64_t b = 0; b < call.B; ++b) {
    for (int64_t h = 0; h < call.H; ++h) {
      for (int64_t t = 0; t < call.T; ++t) {
        const int64_t place = (b * call.H + h) * call.T + t;
        Real* const weights = result.weights == nullptr ? nullptr : result.weights + place * call.S;
        rows.attend(b, h, t, result.y.at(b, h, t), weights);
      }
    }
  }
}

class LoopsKernel final : public PlainKernel {
 public:
  std::string_view name() const override { return "loops"; }
  std::string_view summary() const override {
    return "the definition in plain loops, on one thread";
  }
  Abilities abilities() const override { return {.float64 = true, .weights = true}; }
  void forward(const PlainCall<float>& call, const PlainResult<float>& result) const override {
    attend_all(call, result);
  }
  void forward(const PlainCall<double>& call, const PlainResult<double>& result) const override {
    attend_all(call, result);
  }
};

}  // namespace

const AttentionKernel& loops_kernel() {
  static const LoopsKernel kernel;
  return kernel;
}

}  // namespace zoo
