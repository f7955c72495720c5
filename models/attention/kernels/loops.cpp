// loops: the definition, one query at a time, one number at a time.
//
// The first rung: nothing to admire but that every step of Eq. 1 (Vaswani et al. 2017) can be read
// off. Costs 4 B H T S Dh operations on one thread, of which hardly any share a SIMD register, and
// memory for one row of S weights. No backward pass: to see that in small steps, read `blocked`.
#include <cmath>
#include <vector>

#include "models/attention/kernels/kernels.h"
#include "models/attention/kernels/plain_kernel.h"

namespace zoo {
namespace {

template <typename Real>
Real dot(const Real* a, const Real* b, int64_t count) {
  Real sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

/// In place.
template <typename Real>
void softmax(std::vector<Real>& scores) {
  Real top = -std::numeric_limits<Real>::infinity(), sum = 0;
  for (const Real score : scores) top = std::max(top, score);
  for (Real& score : scores) {
    score = std::exp(score - top);
    sum += score;
  }
  for (Real& score : scores) score /= sum;
}

template <typename Real>
class Loops {
 public:
  Loops(const PlainCall<Real>& call, const PlainResult<Real>& result)
      : call_(call), result_(result) {}

  void run() {
    for (int64_t b = 0; b < call_.B; ++b)
      for (int64_t h = 0; h < call_.H; ++h)
        for (int64_t t = 0; t < call_.T; ++t) one_query(b, h, t);
  }

 private:
  void one_query(int64_t b, int64_t h, int64_t t) {
    const int64_t Dh = call_.Dh, kv = call_.kv_head(h);
    Real* const y = result_.y.at(b, h, t);
    for (int64_t i = 0; i < Dh; ++i) y[i] = 0;
    const KeyRange keys = call_.keys_of(b, t);
    if (keys.end <= keys.begin) return;

    weights_.resize(static_cast<size_t>(keys.end - keys.begin));
    for (int64_t s = keys.begin; s < keys.end; ++s)
      weight(keys, s) = call_.scale * dot(call_.q.at(b, h, t), call_.k.at(b, kv, s), Dh);
    call_.add_terms(b, h, t, keys, Real{1}, weights_.data());
    if (all_hidden()) return;
    softmax(weights_);
    if (result_.weights != nullptr) {
      Real* const row = result_.weights + ((b * call_.H + h) * call_.T + t) * call_.S;
      std::copy(weights_.begin(), weights_.end(), row + keys.begin);
    }
    if (call_.dropout > 0.0) call_.drop(b, h, t, keys, weights_.data());
    for (int64_t s = keys.begin; s < keys.end; ++s)
      for (int64_t i = 0; i < Dh; ++i) y[i] += weight(keys, s) * call_.v.at(b, kv, s)[i];
  }

  Real& weight(KeyRange keys, int64_t s) { return weights_[static_cast<size_t>(s - keys.begin)]; }
  bool all_hidden() const {
    return std::all_of(weights_.begin(), weights_.end(),
                       [](Real score) { return score == -std::numeric_limits<Real>::infinity(); });
  }

  const PlainCall<Real>& call_;
  const PlainResult<Real>& result_;
  std::vector<Real> weights_;  // of the query at hand
};

class LoopsKernel final : public PlainKernel {
 public:
  std::string_view name() const override { return "loops"; }
  std::string_view summary() const override {
    return "the definition in plain loops, on one thread";
  }
  Abilities abilities() const override { return {.float64 = true, .weights = true}; }
  void forward(const PlainCall<float>& call, const PlainResult<float>& result) const override {
    Loops<float>(call, result).run();
  }
  void forward(const PlainCall<double>& call, const PlainResult<double>& result) const override {
    Loops<double>(call, result).run();
  }
};

}  // namespace

const AttentionKernel& loops_kernel() {
  static const LoopsKernel kernel;
  return kernel;
}

}  // namespace zoo
