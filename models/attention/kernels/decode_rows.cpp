// The lanes of a vector run along the head width: one query cannot fill them.
#include "models/attention/kernels/decode_rows.h"

#include "models/simd/instruction_sets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/attention/kernels/decode_rows.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "models/simd/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zoo::decode::HWY_NAMESPACE {
using namespace vectors::HWY_NAMESPACE;

// Keys at a time, with independent sums.
constexpr int64_t kUnroll = 4;

template <int64_t kKeys>
HWY_INLINE void multiply_some(const float* query, const float* keys, int64_t step, int64_t Dh,
                              float* scores) {
  Vec sums[kKeys];
  float rest[kKeys] = {};
  for (int64_t n = 0; n < kKeys; ++n) sums[n] = hn::Zero(d);
  int64_t i = 0;
  for (; i + kLanes <= Dh; i += kLanes) {
    const Vec q = hn::LoadU(d, query + i);
    for (int64_t n = 0; n < kKeys; ++n)
      sums[n] = hn::MulAdd(q, hn::LoadU(d, keys + n * step + i), sums[n]);
  }
  for (; i < Dh; ++i)
    for (int64_t n = 0; n < kKeys; ++n) rest[n] += query[i] * keys[n * step + i];
  for (int64_t n = 0; n < kKeys; ++n) scores[n] = hn::GetLane(hn::SumOfLanes(d, sums[n])) + rest[n];
}

void multiply_keys(const float* queries, int64_t rows, const float* keys, int64_t step,
                   int64_t count, int64_t Dh, float* scores, int64_t stride) {
  int64_t n = 0;
  for (; n + kUnroll <= count; n += kUnroll)
    for (int64_t r = 0; r < rows; ++r)
      multiply_some<kUnroll>(queries + r * Dh, keys + n * step, step, Dh, scores + r * stride + n);
  for (; n < count; ++n)
    for (int64_t r = 0; r < rows; ++r)
      multiply_some<1>(queries + r * Dh, keys + n * step, step, Dh, scores + r * stride + n);
}

void cap_scores(float* scores, int64_t count, float cap) {
  const Vec factor = hn::Set(d, cap);
  int64_t n = 0;
  for (; n + kLanes <= count; n += kLanes)
    hn::StoreU(hn::Mul(factor, tanh(hn::LoadU(d, scores + n)).value), d, scores + n);
  for (; n < count; ++n) scores[n] = cap * hn::GetLane(tanh(hn::Set(d, scores[n])).value);
}

float exponentials(float* scores, int64_t count, float row_max) {
  const Vec max = hn::Set(d, row_max);
  Vec sums = hn::Zero(d);
  int64_t n = 0;
  for (; n + kLanes <= count; n += kLanes) {
    const Vec weights = exp2(hn::Sub(hn::LoadU(d, scores + n), max));
    hn::StoreU(weights, d, scores + n);
    sums = hn::Add(sums, weights);
  }
  float sum = hn::GetLane(hn::SumOfLanes(d, sums));
  for (; n < count; ++n) {
    scores[n] = hn::GetLane(exp2(hn::Set(d, scores[n] - row_max)));
    sum += scores[n];
  }
  return sum;
}

void add_values(const float* weights, int64_t stride, int64_t rows, const float* values,
                int64_t step, int64_t count, int64_t Dh, float* sums) {
  for (int64_t n = 0; n < count; n += kUnroll) {
    const int64_t some = count - n < kUnroll ? count - n : kUnroll;
    for (int64_t r = 0; r < rows; ++r) {
      float* const sum = sums + r * Dh;
      int64_t i = 0;
      for (; i + kLanes <= Dh; i += kLanes) {
        Vec total = hn::LoadU(d, sum + i);
        for (int64_t m = n; m < n + some; ++m)
          total = hn::MulAdd(hn::Set(d, weights[r * stride + m]),
                             hn::LoadU(d, values + m * step + i), total);
        hn::StoreU(total, d, sum + i);
      }
      for (; i < Dh; ++i)
        for (int64_t m = n; m < n + some; ++m)
          sum[i] += weights[r * stride + m] * values[m * step + i];
    }
  }
}

}  // namespace zoo::decode::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace zoo::decode {
HWY_EXPORT(multiply_keys);
HWY_EXPORT(cap_scores);
HWY_EXPORT(exponentials);
HWY_EXPORT(add_values);

void multiply_keys(const float* queries, int64_t rows, const float* keys, int64_t step,
                   int64_t count, int64_t Dh, float* scores, int64_t stride) {
  HWY_DYNAMIC_DISPATCH(multiply_keys)(queries, rows, keys, step, count, Dh, scores, stride);
}
void cap_scores(float* scores, int64_t count, float cap) {
  HWY_DYNAMIC_DISPATCH(cap_scores)(scores, count, cap);
}
float exponentials(float* scores, int64_t count, float row_max) {
  return HWY_DYNAMIC_DISPATCH(exponentials)(scores, count, row_max);
}
void add_values(const float* weights, int64_t stride, int64_t rows, const float* values,
                int64_t step, int64_t count, int64_t Dh, float* sums) {
  HWY_DYNAMIC_DISPATCH(add_values)(weights, stride, rows, values, step, count, Dh, sums);
}

}  // namespace zoo::decode
#endif
