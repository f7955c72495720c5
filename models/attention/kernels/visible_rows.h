// Attention of one query at a time, and its backward, that reads visible keys only: kernel `loops`,
// and what the other kernels fall back on.
//
// A key that a query may not see has weight 0. A kernel that works in blocks multiplies the value
// of that key all the same, and 0 times NaN or infinity is NaN: the content of padding would leak.
// A test at each product would cost more than the product. So a block is computed first, and a row
// that came out as NaN is computed again here.
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "models/attention/kernels/segments.h"

namespace zoo {

/// One query after the other, one number at a time.
template <typename Real>
class VisibleRows {
 public:
  explicit VisibleRows(const KernelArgs<Real>& args) : args_(args) {}

  /// Fills the query's row y [Dh], and where not null its row of weights [S].
  void attend(int64_t b, int64_t h, int64_t t, Real* y, Real* weights = nullptr) {
    const int64_t Dh = args_.Dh, kv = args_.kv_head(h);
    for (int64_t i = 0; i < Dh; ++i) y[i] = 0;
    if (!compute_weights(b, h, t)) return;
    if (weights != nullptr) std::copy(weights_.begin(), weights_.end(), weights + keys_.begin);
    if (args_.dropout > 0.0) apply_dropout(b, h, t, weights_);
    for (int64_t s = keys_.begin; s < keys_.end; ++s) {
      if (weight(s) == 0) continue;
      for (int64_t i = 0; i < Dh; ++i) y[i] += weight(s) * args_.v.at(b, kv, s)[i];
    }
  }

  /// Writes the dq of a query, and adds its share to dk and dv of the keys and values of its head,
  /// and to the gradient of relative_bias.
  /// A query whose dy is zero adds nothing.
  void differentiate(int64_t b, int64_t h, int64_t t, const KernelGradients<Real>& gradients) {
    const int64_t Dh = args_.Dh, kv = args_.kv_head(h);
    const Real *const q = args_.q.at(b, h, t), *const dy = gradients.dy.at(b, h, t);
    Real* const dq = gradients.dq.at(b, h, t);
    std::fill_n(dq, Dh, Real{0});
    if (std::all_of(dy, dy + Dh, [](Real x) { return x == 0; })) return;
    if (!compute_weights(b, h, t)) return;
    factors_.assign(weights_.size(), Real{1});
    if (args_.dropout > 0.0) apply_dropout(b, h, t, factors_);
    dweights_.assign(weights_.size(), Real{0});
    Real delta = 0;  // Σ_s weight_s dweight_s
    for (int64_t s = keys_.begin; s < keys_.end; ++s) {
      if (weight(s) == 0) continue;
      dweights_[at(s)] = factors_[at(s)] * dot(dy, args_.v.at(b, kv, s), Dh);
      delta += weight(s) * dweights_[at(s)];
    }
    Real* const drelative = drelative_of(gradients, b, h);
    const int64_t position = args_.query_position(b, t);
    for (int64_t s = keys_.begin; s < keys_.end; ++s) {
      if (weight(s) == 0) continue;
      const Real dbias = weight(s) * (dweights_[at(s)] - delta),
                 dscore = dbias * slopes_[at(s)] * args_.scale;
      if (drelative != nullptr) drelative[args_.relative_entry(position, s)] += dbias;
      const Real used = weight(s) * factors_[at(s)];
      const Real* const k = args_.k.at(b, kv, s);
      Real *const dk = gradients.dk.at(b, kv, s), *const dv = gradients.dv.at(b, kv, s);
      for (int64_t i = 0; i < Dh; ++i) dq[i] += dscore * k[i];
      for (int64_t i = 0; i < Dh; ++i) dk[i] += dscore * q[i];
      for (int64_t i = 0; i < Dh; ++i) dv[i] += used * dy[i];
    }
  }

 private:
  /// Sets the query's keys and their weights before dropout; false where it sees no key.
  bool compute_weights(int64_t b, int64_t h, int64_t t) {
    find_keys(b, h, t);
    if (runs_.empty()) return false;
    weights_.assign(static_cast<size_t>(keys_.end - keys_.begin), kHidden);
    slopes_.assign(weights_.size(), Real{1});
    for (const KeyRange run : runs_) {
      for (int64_t s = run.begin; s < run.end; ++s)
        weight(s) =
            args_.scale * dot(args_.q.at(b, h, t), args_.k.at(b, args_.kv_head(h), s), args_.Dh);
      if (args_.score_cap > 0)
        args_.cap_scores(&weight(run.begin), run.end - run.begin, &slopes_[at(run.begin)]);
      args_.add_bias_and_mask(b, h, t, run, Real{1}, &weight(run.begin));
    }
    return softmax();
  }

  void find_keys(int64_t b, int64_t h, int64_t t) {
    runs_.clear();
    for_each_segment(args_, QueryBlock{b, h, t, 1}, [&](KeyRange segment) {
      const KeyRange run = args_.visible_keys(b, h, t, segment);
      if (!run.empty()) runs_.push_back(run);
    });
    keys_ = runs_.empty() ? KeyRange{} : KeyRange{runs_.front().begin, runs_.back().end};
  }

  void apply_dropout(int64_t b, int64_t h, int64_t t, std::vector<Real>& weights) const {
    for (const KeyRange run : runs_) args_.apply_dropout(b, h, t, run, &weights[at(run.begin)]);
  }

  Real* drelative_of(const KernelGradients<Real>& gradients, int64_t b, int64_t h) const {
    if (gradients.drelative_bias == nullptr) return nullptr;
    return gradients.drelative_bias + (b * args_.H + h) * (args_.T + args_.S - 1);
  }

  static Real dot(const Real* a, const Real* b, int64_t count) {
    Real sum = 0;
    for (int64_t i = 0; i < count; ++i) sum += a[i] * b[i];
    return sum;
  }

  /// In place; false where all keys are hidden.
  bool softmax() {
    const auto hidden = [](Real score) { return score == kHidden; };
    if (std::all_of(weights_.begin(), weights_.end(), hidden)) return false;
    Real row_max = kHidden, row_sum = 0;
    for (const Real score : weights_) row_max = std::max(row_max, score);
    for (Real& score : weights_) {
      score = hidden(score) ? Real{0} : std::exp(score - row_max);
      row_sum += score;
    }
    for (Real& score : weights_) score /= row_sum;
    return true;
  }

  size_t at(int64_t s) const { return static_cast<size_t>(s - keys_.begin); }
  Real& weight(int64_t s) { return weights_[at(s)]; }

  static constexpr Real kHidden = -std::numeric_limits<Real>::infinity();

  const KernelArgs<Real>& args_;
  KeyRange keys_;               // from the first to the last that the current query sees
  std::vector<KeyRange> runs_;  // those that it sees
  std::vector<Real> weights_, slopes_, factors_, dweights_;  // of the current query
};

/// Whether a row contains NaN.
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

/// Recomputes rows of y, of `count` queries from `first` on, that contain NaN: it may come from
/// keys that they do not see.
template <typename Real>
void recompute_nan_queries(const KernelArgs<Real>& args, const KernelOutputs<Real>& outputs,
                           int64_t b, int64_t h, int64_t first, int64_t count) {
  if (!args.restricted()) return;
  for (int64_t t = first; t < first + count; ++t) {
    Real* const y = outputs.y.at(b, h, t);
    if (has_nan(y, args.Dh)) VisibleRows<Real>(args).attend(b, h, t, y);
  }
}

/// The same for backward, of a key-value head and all queries that read it.
template <typename Real>
void recompute_nan_head(const KernelArgs<Real>& args, const KernelGradients<Real>& gradients,
                        int64_t b, int64_t kv) {
  if (!args.restricted()) return;
  const int64_t group = args.H / args.Hkv, Dh = args.Dh;
  bool found_nan =
      has_nan(gradients.dk, b, kv, args.S, Dh) || has_nan(gradients.dv, b, kv, args.S, Dh);
  for (int64_t h = kv * group; h < (kv + 1) * group; ++h)
    found_nan = found_nan || has_nan(gradients.dq, b, h, args.T, Dh);
  if (!found_nan) return;
  for (int64_t s = 0; s < args.S; ++s) {
    std::fill_n(gradients.dk.at(b, kv, s), Dh, Real{0});
    std::fill_n(gradients.dv.at(b, kv, s), Dh, Real{0});
  }
  if (gradients.drelative_bias != nullptr) {
    const int64_t entries = args.T + args.S - 1;
    std::fill_n(gradients.drelative_bias + (b * args.H + kv * group) * entries, group * entries,
                Real{0});
  }
  VisibleRows<Real> rows(args);
  for (int64_t h = kv * group; h < (kv + 1) * group; ++h)
    for (int64_t t = 0; t < args.T; ++t) rows.differentiate(b, h, t, gradients);
}

}  // namespace zoo
