// Shared by the SIMD kernels and compiled for each instruction set: vectors of at most 16 floats,
// 2^x and tanh.
#if defined(ZOO_VECTORS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ZOO_VECTORS_INL_H
#undef ZOO_VECTORS_INL_H
#else
#define ZOO_VECTORS_INL_H
#endif

#include <hwy/highway.h>

#include <cstdint>
#include <numbers>

HWY_BEFORE_NAMESPACE();
namespace zoo::vectors::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::CappedTag<float, 16>;
using Vec = hn::Vec<Tag>;
constexpr Tag d;
constexpr int64_t kLanes = HWY_LANES(float) < 16 ? HWY_LANES(float) : 16;
constexpr float kLog2E = std::numbers::log2e_v<float>;

// 2^x for x up to about 1: 2^n from the exponent's bits, with n the nearest integer, times a
// polynomial for 2^(x - n) (minimax on [-1/2, 1/2], relative error 1e-7). Denormal results become
// exact zeros: products with denormals are many times slower. NaN stays NaN.
HWY_INLINE Vec exp2(Vec x) {
  const hn::RebindToSigned<Tag> integers;
  // Adding 1.5 * 2^23 leaves no bits for a fraction: x is rounded, and n is in the low bits.
  const Vec magic = hn::Set(d, 12582912.0F);
  const Vec shifted = hn::Add(x, magic);
  const Vec r = hn::Sub(x, hn::Sub(shifted, magic));
  Vec p = hn::Set(d, 1.326472690e-03F);
  p = hn::MulAdd(p, r, hn::Set(d, 9.671512661e-03F));
  p = hn::MulAdd(p, r, hn::Set(d, 5.550733744e-02F));
  p = hn::MulAdd(p, r, hn::Set(d, 2.402224208e-01F));
  p = hn::MulAdd(p, r, hn::Set(d, 6.931469776e-01F));
  p = hn::MulAdd(p, r, hn::Set(d, 1.0F));
  const auto n = hn::ShiftLeft<23>(hn::BitCast(integers, shifted));
  const Vec power = hn::BitCast(d, hn::Add(n, hn::BitCast(integers, hn::Set(d, 1.0F))));
  return hn::IfThenZeroElse(hn::Lt(x, hn::Set(d, -125.0F)), hn::Mul(p, power));
}

// tanh(x) = e / (e + 2) with e = exp(2 |x|) - 1, and the sign of x. Close to 0 nothing cancels: e
// is 2^n (2^r - 1) + (2^n - 1) for exp(2 |x|) = 2^(n + r), and a polynomial gives 2^r - 1 (relative
// error 3e-8 on [-1/2, 1/2]). Far from 0 its derivative 1 - tanh^2 does not cancel either, being
// 4 (e + 1) / (e + 2)^2. NaN stays NaN.
struct Tanh {
  Vec value, slope;
};
HWY_INLINE Tanh tanh(Vec x) {
  const hn::RebindToSigned<Tag> integers;
  const Vec largest = hn::Set(d, 30.0F);  // where tanh is 1 to the last bit
  Vec y = hn::Mul(hn::Abs(x), hn::Set(d, 2 * kLog2E));
  y = hn::IfThenElse(hn::Gt(y, largest), largest, y);
  const Vec magic = hn::Set(d, 12582912.0F);  // as in exp2
  const Vec shifted = hn::Add(y, magic);
  const Vec r = hn::Sub(y, hn::Sub(shifted, magic));
  Vec p = hn::Set(d, 1.545315360e-04F);
  p = hn::MulAdd(p, r, hn::Set(d, 1.339086331e-03F));
  p = hn::MulAdd(p, r, hn::Set(d, 9.618083015e-03F));
  p = hn::MulAdd(p, r, hn::Set(d, 5.550356954e-02F));
  p = hn::MulAdd(p, r, hn::Set(d, 2.402265072e-01F));
  p = hn::MulAdd(p, r, hn::Set(d, 6.931471825e-01F));
  const auto n = hn::ShiftLeft<23>(hn::BitCast(integers, shifted));
  const Vec one = hn::Set(d, 1.0F);
  const Vec power = hn::BitCast(d, hn::Add(n, hn::BitCast(integers, one)));
  const Vec e = hn::MulAdd(power, hn::Mul(p, r), hn::Sub(power, one));
  const Vec inverse = hn::Div(one, hn::Add(e, hn::Set(d, 2.0F)));
  const Vec twice = hn::Mul(hn::Set(d, 2.0F), inverse);
  return {hn::CopySign(hn::Mul(e, inverse), x), hn::Mul(hn::Add(e, one), hn::Mul(twice, twice))};
}

}  // namespace zoo::vectors::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
