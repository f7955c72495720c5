// Attention of one query, and backward of one head, that touch nothing but what is seen: what
// kernel loops is made of, and what the others fall back on.
//
// Where a query may not see a key, its weight is 0. A kernel that works in blocks multiplies the
// key's value all the same, and 0 times NaN, as 0 times infinity, is NaN: what padding holds would
// come through. To ask at each product would cost more than the product. So a block is computed
// first and looked at after: a row that came out as NaN is computed again, here.
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "models/attention/kernels/plain_call.h"

namespace zoo {

/// One query after the other, one number at a time.
template <typename Real>
class SeenRows {
 public:
  explicit SeenRows(const PlainCall<Real>& call) : call_(call) {}

  /// Fills the query's row y [Dh], and where not null its row of weights [S].
  void attend(int64_t b, int64_t h, int64_t t, Real* y, Real* weights = nullptr) {
    const int64_t Dh = call_.Dh, kv = call_.kv_head(h);
    for (int64_t i = 0; i < Dh; ++i) y[i] = 0;
    if (!find_weights(b, h, t)) return;
    if (weights != nullptr) std::copy(weights_.begin(), weights_.end(), weights + keys_.begin);
    if (call_.dropout > 0.0) call_.drop(b, h, t, keys_, weights_.data());
    for (int64_t s = keys_.begin; s < keys_.end; ++s) {
      if (weight(s) == 0) continue;
      for (int64_t i = 0; i < Dh; ++i) y[i] += weight(s) * call_.v.at(b, kv, s)[i];
    }
  }

  /// Adds to dk and dv of the head's keys and values what reaches them from the query, and fills
  /// its dq. A query to which nothing comes back passes nothing on.
  void differentiate(int64_t b, int64_t h, int64_t t, const PlainGradients<Real>& gradients) {
    const int64_t Dh = call_.Dh, kv = call_.kv_head(h);
    const Real *const q = call_.q.at(b, h, t), *const dy = gradients.dy.at(b, h, t);
    Real* const dq = gradients.dq.at(b, h, t);
    std::fill_n(dq, Dh, Real{0});
    if (std::all_of(dy, dy + Dh, [](Real x) { return x == 0; })) return;
    if (!find_weights(b, h, t)) return;
    factors_.assign(weights_.size(), Real{1});
    if (call_.dropout > 0.0) call_.drop(b, h, t, keys_, factors_.data());
    dweights_.assign(weights_.size(), Real{0});
    Real pull = 0;  // Σ weight * its gradient over all keys
    for (int64_t s = keys_.begin; s < keys_.end; ++s) {
      if (weight(s) == 0) continue;
      dweights_[at(s)] = factors_[at(s)] * dot(dy, call_.v.at(b, kv, s), Dh);
      pull += weight(s) * dweights_[at(s)];
    }
    for (int64_t s = keys_.begin; s < keys_.end; ++s) {
      if (weight(s) == 0) continue;
      const Real dscore = weight(s) * (dweights_[at(s)] - pull) * call_.scale;
      const Real used = weight(s) * factors_[at(s)];
      const Real* const k = call_.k.at(b, kv, s);
      Real *const dk = gradients.dk.at(b, kv, s), *const dv = gradients.dv.at(b, kv, s);
      for (int64_t i = 0; i < Dh; ++i) dq[i] += dscore * k[i];
      for (int64_t i = 0; i < Dh; ++i) dk[i] += dscore * q[i];
      for (int64_t i = 0; i < Dh; ++i) dv[i] += used * dy[i];
    }
  }

 private:
  /// keys_ and their weights before dropout; false where the query sees nothing.
  bool find_weights(int64_t b, int64_t h, int64_t t) {
    keys_ = call_.keys_of(b, t);
    if (keys_.end <= keys_.begin) return false;
    weights_.resize(static_cast<size_t>(keys_.end - keys_.begin));
    for (int64_t s = keys_.begin; s < keys_.end; ++s)
      weight(s) =
          call_.scale * dot(call_.q.at(b, h, t), call_.k.at(b, call_.kv_head(h), s), call_.Dh);
    call_.add_terms(b, h, t, keys_, Real{1}, weights_.data());
    return softmax();
  }

  static Real dot(const Real* a, const Real* b, int64_t count) {
    Real sum = 0;
    for (int64_t i = 0; i < count; ++i) sum += a[i] * b[i];
    return sum;
  }

  /// In place; false where all are hidden.
  bool softmax() {
    constexpr Real kHidden = -std::numeric_limits<Real>::infinity();
    const auto hidden = [](Real score) { return score == kHidden; };
    if (std::all_of(weights_.begin(), weights_.end(), hidden)) return false;
    Real top = kHidden, sum = 0;
    for (const Real score : weights_) top = std::max(top, score);
    for (Real& score : weights_) {
      score = hidden(score) ? Real{0} : std::exp(score - top);
      sum += score;
    }
    for (Real& score : weights_) score /= sum;
    return true;
  }

  size_t at(int64_t s) const { return static_cast<size_t>(s - keys_.begin); }
  Real& weight(int64_t s) { return weights_[at(s)]; }

  const PlainCall<Real>& call_;
  KeyRange keys_;
  std::vector<Real> weights_, factors_, dweights_;  // of the query at hand
};

/// Whether a row holds a number that is none.
template <typename Real>
bool has_nan(const Real* row, int64_t count) {
  int found = 0;
  for (int64_t i = 0; i < count; ++i) found |= static_cast<int>(row[i] != row[i]);
  return found != 0;
}
template <typename Real>
bool has_nan(const Rows<Real>& rows, int64_t b, int64_t h, int64_t length, int64_t Dh) {
  for (int64_t i = 0; i < length; ++i)
    if (has_nan(rows.at(b, h, i), Dh)) return true;
  return false;
}

/// Computes again the rows of y of `count` queries, from `first` on, in which NaN may have come
/// from what they do not see.
template <typename Real>
void mend_queries(const PlainCall<Real>& call, const PlainResult<Real>& result, int64_t b,
                  int64_t h, int64_t first, int64_t count) {
  if (!call.restricted()) return;
  for (int64_t t = first; t < first + count; ++t) {
    Real* const y = result.y.at(b, h, t);
    if (has_nan(y, call.Dh)) SeenRows<Real>(call).attend(b, h, t, y);
  }
}

/// The same backward, for a key-value head and all queries that read it.
template <typename Real>
void mend_head(const PlainCall<Real>& call, const PlainGradients<Real>& gradients, int64_t b,
               int64_t kv) {
  if (!call.restricted()) return;
  const int64_t group = call.H / call.Hkv, Dh = call.Dh;
  bool broken =
      has_nan(gradients.dk, b, kv, call.S, Dh) || has_nan(gradients.dv, b, kv, call.S, Dh);
  for (int64_t h = kv * group; h < (kv + 1) * group; ++h)
    broken = broken || has_nan(gradients.dq, b, h, call.T, Dh);
  if (!broken) return;
  for (int64_t s = 0; s < call.S; ++s) {
    std::fill_n(gradients.dk.at(b, kv, s), Dh, Real{0});
    std::fill_n(gradients.dv.at(b, kv, s), Dh, Real{0});
  }
  SeenRows<Real> rows(call);
  for (int64_t h = kv * group; h < (kv + 1) * group; ++h)
    for (int64_t t = 0; t < call.T; ++t) rows.differentiate(b, h, t, gradients);
}

}  // namespace zoo
