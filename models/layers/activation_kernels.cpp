// Value and slope share one exponential. Backward recomputes it: saving the slope would take as
// much memory as the argument, and writing and reading it as much time.
#include "models/layers/activation_kernels.h"

#include <algorithm>

#include "models/simd/instruction_sets.h"
#include "models/simd/parallel.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/layers/activation_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "models/simd/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zoo::activations::HWY_NAMESPACE {
using namespace vectors::HWY_NAMESPACE;

struct ValueAndSlope {
  Vec value, slope;
};

// x Φ(x) with the normal distribution Φ (Hendrycks and Gimpel 2016, arXiv:1606.08415); slope Φ + x
// φ. With z = |x|: Φ(-z) = exp(-z^2 / 2) P(t), t = 1 / (1 + 0.3 z). P is a polynomial of degree 8
// without a constant term (minimax in the relative error, 1.5e-7). The same exponential gives the
// density φ.
HWY_INLINE ValueAndSlope gelu(Vec x) {
  const Vec one = hn::Set(d, 1.0F);
  // Results are constant beyond 16. Without the clamp, infinity times 0 would be NaN. NaN passes.
  const Vec most = hn::Set(d, 16.0F);
  const Vec z = hn::IfThenElse(hn::Gt(hn::Abs(x), most), most, hn::Abs(x));
  const Vec t = hn::Div(one, hn::MulAdd(z, hn::Set(d, 0.3F), one));
  const Vec e = exp2(hn::Mul(hn::Mul(z, hn::Set(d, -0.5F * kLog2E)), z));
  // Terms are evaluated in pairs: a single chain of eight would stall on latency.
  const auto pair = [t](float low, float high)
                        HWY_ATTR { return hn::MulAdd(t, hn::Set(d, high), hn::Set(d, low)); };
  const Vec t2 = hn::Mul(t, t), t4 = hn::Mul(t2, t2);
  const Vec low = hn::MulAdd(t2, pair(9.991180131e-02F, 1.285671574e-01F),
                             pair(1.196292810e-01F, 1.207542284e-01F));
  const Vec high = hn::MulAdd(t2, pair(-1.572093636e-01F, 3.567624683e-02F),
                              pair(-5.369396922e-02F, 2.063645447e-01F));
  const Vec p = hn::MulAdd(t4, high, low);
  const Vec tail = hn::Mul(hn::Mul(p, t), e);  // Φ(-z)
  const auto negative = hn::Lt(x, hn::Zero(d));
  const Vec phi = hn::IfThenElse(negative, tail, hn::Sub(one, tail));
  const Vec bounded = hn::IfThenElse(negative, hn::Neg(z), x);  // -inf times 0 would be NaN
  const Vec signed_z = hn::CopySign(z, x);
  const Vec density = hn::Mul(e, hn::Set(d, 0.3989422804F));
  return {hn::Mul(bounded, phi), hn::MulAdd(signed_z, density, phi)};
}

// x σ(u), where u is an odd, increasing function of x with slope du; slope σ + x σ (1 - σ) du.
HWY_INLINE ValueAndSlope gated(Vec x, Vec u, Vec du) {
  const Vec one = hn::Set(d, 1.0F);
  const Vec e = exp2(hn::Mul(hn::Abs(u), hn::Set(d, -kLog2E)));
  const Vec big = hn::Div(one, hn::Add(one, e));  // σ(|u|)
  const Vec small = hn::Mul(e, big);              // 1 - σ(|u|)
  const Vec gate = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), small, big);
  // Avoids 0 times infinity: where e is 0, x and du may be infinite.
  const Vec bend =
      hn::IfThenZeroElse(hn::Eq(e, hn::Zero(d)), hn::Mul(hn::Mul(hn::Mul(big, small), x), du));
  const auto gone = hn::Eq(gate, hn::Zero(d));
  return {hn::IfThenZeroElse(gone, hn::Mul(x, gate)), hn::Add(gate, bend)};
}

// The tanh form has u = sqrt(2 / π) (x + 0.044715 x^3). Doubled here: 1 + tanh(u) = 2 σ(2 u).
HWY_INLINE ValueAndSlope gelu_tanh(Vec x) {
  constexpr float kRoot = 1.5957691216F, kCube = 0.044715F;  // 2 sqrt(2 / π)
  const Vec square = hn::Mul(x, x);
  const Vec u = hn::Mul(hn::Mul(x, hn::Set(d, kRoot)),
                        hn::MulAdd(square, hn::Set(d, kCube), hn::Set(d, 1.0F)));
  const Vec du = hn::MulAdd(square, hn::Set(d, 3.0F * kRoot * kCube), hn::Set(d, kRoot));
  return gated(x, u, du);
}

HWY_INLINE ValueAndSlope quick_gelu(Vec x) {
  return gated(x, hn::Mul(x, hn::Set(d, 1.702F)), hn::Set(d, 1.702F));
}

HWY_INLINE ValueAndSlope silu(Vec x) { return gated(x, x, hn::Set(d, 1.0F)); }

// out = f(x), or dy f'(x) if dy is given.
template <class F>
HWY_INLINE void apply_to_all(const F& f, const float* x, const float* dy, int64_t count,
                             float* out) {
  const auto one = [&](const float* x_at, const float* dy_at) HWY_ATTR {
    const ValueAndSlope result = f(hn::LoadU(d, x_at));
    return dy == nullptr ? result.value : hn::Mul(hn::LoadU(d, dy_at), result.slope);
  };
  int64_t n = 0;
  for (; n + kLanes <= count; n += kLanes)
    hn::StoreU(one(x + n, dy == nullptr ? dy : dy + n), d, out + n);
  if (n == count) return;
  const int64_t left = count - n;
  HWY_ALIGN float last_x[kLanes] = {}, last_dy[kLanes] = {};
  std::copy_n(x + n, left, last_x);
  if (dy != nullptr) std::copy_n(dy + n, left, last_dy);
  hn::Store(one(last_x, last_dy), d, last_x);
  std::copy_n(last_x, left, out + n);
}

void apply(Activation activation, const float* x, const float* dy, int64_t count, float* out) {
  const auto all = [&](auto f) HWY_ATTR { apply_to_all(f, x, dy, count, out); };
  switch (activation) {
    case Activation::kGelu:
      return all([](Vec v) HWY_ATTR { return gelu(v); });
    case Activation::kGeluTanh:
      return all([](Vec v) HWY_ATTR { return gelu_tanh(v); });
    case Activation::kQuickGelu:
      return all([](Vec v) HWY_ATTR { return quick_gelu(v); });
    case Activation::kSilu:
      return all([](Vec v) HWY_ATTR { return silu(v); });
    case Activation::kRelu:
    case Activation::kSwiglu:
    case Activation::kGeglu:
    case Activation::kGegluTanh:
    case Activation::kReglu:
      break;
  }
}

}  // namespace zoo::activations::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace zoo {
namespace activations {
HWY_EXPORT(apply);

void apply_on_threads(Activation f, const float* x, const float* dy, int64_t count, float* out) {
  constexpr int64_t kTask = 1 << 14;  // elements, a few microseconds of work
  for_each_task((count + kTask - 1) / kTask, [&](int64_t n) {
    const int64_t from = n * kTask;
    HWY_DYNAMIC_DISPATCH(apply)
    (f, x + from, dy == nullptr ? nullptr : dy + from, std::min(kTask, count - from), out + from);
  });
}

}  // namespace activations

void apply_activation(Activation f, const float* x, int64_t count, float* y) {
  activations::apply_on_threads(f, x, nullptr, count, y);
}

void differentiate_activation(Activation f, const float* x, const float* dy, int64_t count,
                              float* dx) {
  activations::apply_on_threads(f, x, dy, count, dx);
}

}  // namespace zoo
#endif
