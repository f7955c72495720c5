// Blocks of queries against blocks of keys, in plain C++ that a compiler can vectorise: the parts
// of kernels `blocked` and `online`, and the backward pass that they share.
#pragma once
#include <cmath>
#include <vector>

#include "models/attention/kernels/visible_rows.h"
#include "models/simd/parallel.h"

namespace zoo::blocks {

/// Queries in one block.
inline constexpr int64_t kQueries = 32;
/// Keys in one block: for Dh = 64 its keys, values and scores fill a first-level cache.
inline constexpr int64_t kKeys = 64;

inline int64_t count_of(int64_t T) { return (T + kQueries - 1) / kQueries; }

/// Of one head.
using Queries = QueryBlock;

inline Queries queries_of(int64_t b, int64_t h, int64_t block, int64_t T) {
  const int64_t first = block * kQueries;
  return {b, h, first, std::min(kQueries, T - first)};
}

/// Calls one_block(queries) for every block of queries, each as a task of its own.
template <typename Real, typename F>
void for_each_queries(const KernelArgs<Real>& args, F one_block) {
  const int64_t count = count_of(args.T);
  for_each_task(args.B * args.H * count, [&](int64_t n) {
    const int64_t head = n / count;
    one_block(queries_of(head / args.H, head % args.H, n % count, args.T));
  });
}

/// Calls f(keys) for each block of at most `size` keys that some of the queries see. A block lies
/// in one segment.
template <typename Real, typename F>
void for_each_keys(const KernelArgs<Real>& args, const Queries& of, int64_t size, F f) {
  for_each_segment(args, of, [&](KeyRange segment) {
    const KeyRange all = keys_of_any(args, of, segment);
    for (int64_t s = all.begin; s < all.end; s += size) f(KeyRange{s, std::min(s + size, all.end)});
  });
}

/// The largest of `row_max` and `count` scores; NaN where one of them is NaN.
template <typename Real>
Real largest(const Real* scores, int64_t count, Real row_max) {
  for (int64_t n = 0; n < count; ++n)
    if (scores[n] > row_max || std::isnan(scores[n])) row_max = scores[n];
  return row_max;
}

/// products[i][s - keys.begin] = left_i right_s; rows of products are `stride` apart. The right
/// side is transposed first, so that the innermost loop runs along keys, all independent.
template <typename Real>
void multiply(const Rows<const Real>& left, const Queries& of, const Rows<const Real>& right,
              int64_t right_head, KeyRange keys, int64_t Dh, Real* products, int64_t stride) {
  thread_local std::vector<Real> transposed;
  const int64_t count = keys.end - keys.begin;
  transposed.resize(static_cast<size_t>(Dh * count));
  for (int64_t s = 0; s < count; ++s) {
    const Real* const row = right.at(of.b, right_head, keys.begin + s);
    for (int64_t d = 0; d < Dh; ++d) transposed[static_cast<size_t>(d * count + s)] = row[d];
  }
  for (int64_t i = 0; i < of.count; ++i) {
    const Real* const row = left.at(of.b, of.h, of.first + i);
    Real* const out = products + i * stride;
    std::fill(out, out + count, Real{0});
    for (int64_t d = 0; d < Dh; ++d) {
      const Real* const column = transposed.data() + d * count;
      for (int64_t s = 0; s < count; ++s) out[s] += row[d] * column[s];
    }
  }
}

/// scores[i][s - keys.begin] with cap, biases and masks: minus infinity where hidden. slopes: not
/// null, the same for the cap's derivatives, which are written where there is one.
template <typename Real>
void compute_scores(const KernelArgs<Real>& args, const Queries& of, KeyRange keys, Real* scores,
                    int64_t stride, Real* slopes = nullptr) {
  multiply(args.q, of, args.k, args.kv_head(of.h), keys, args.Dh, scores, stride);
  for (int64_t i = 0; i < of.count; ++i) {
    Real* const row = scores + i * stride;
    for (int64_t n = 0; n < keys.end - keys.begin; ++n) row[n] *= args.scale;
    if (args.score_cap > 0) {
      args.cap_scores(row, keys.end - keys.begin,
                      slopes != nullptr ? slopes + i * stride : nullptr);
    }
    if (args.has_bias_or_mask())
      args.add_bias_and_mask(of.b, of.h, of.first + i, keys, Real{1}, row);
    const KeyRange visible = args.visible_keys(of.b, of.h, of.first + i, keys);
    for (int64_t s = keys.begin; s < keys.end; ++s) {
      if (s < visible.begin || s >= visible.end)
        row[s - keys.begin] = -std::numeric_limits<Real>::infinity();
    }
  }
}

/// sum += Σ_s weights[s - keys.begin] row_s.
template <typename Real>
void add_rows(const Real* weights, const Rows<const Real>& rows, int64_t b, int64_t head,
              KeyRange keys, int64_t Dh, Real* sum) {
  for (int64_t s = keys.begin; s < keys.end; ++s) {
    const Real weight = weights[s - keys.begin];
    const Real* const row = rows.at(b, head, s);
    for (int64_t d = 0; d < Dh; ++d) sum[d] += weight * row[d];
  }
}

/// Backward of both kernels, `key_block` keys at a time. The weights are recomputed from q, k, and
/// the maximum and the sum of each row. A task is a key-value head with all query heads that read
/// it.
template <typename Real>
class Backward {
 public:
  Backward(const KernelArgs<Real>& args, const KernelGradients<Real>& gradients, int64_t key_block)
      : args_(args), gradients_(gradients), key_block_(std::min(key_block, args.S)) {}

  void run() const {
    for_each_task(args_.B * args_.Hkv, [&](int64_t n) { one_head(n / args_.Hkv, n % args_.Hkv); });
  }

 private:
  struct Scratch {
    std::vector<Real> weights, used, dscores;  // [kQueries, key_block]
    std::vector<Real> slopes;                  // the same, or empty without a cap
  };

  void one_head(int64_t b, int64_t kv) const {
    for (int64_t s = 0; s < args_.S; ++s) {
      std::fill_n(gradients_.dk.at(b, kv, s), args_.Dh, Real{0});
      std::fill_n(gradients_.dv.at(b, kv, s), args_.Dh, Real{0});
    }
    const auto size = static_cast<size_t>(kQueries * key_block_);
    Scratch scratch{std::vector<Real>(size), std::vector<Real>(size), std::vector<Real>(size),
                    std::vector<Real>(args_.score_cap > 0 ? size : 0)};
    const int64_t group = args_.H / args_.Hkv;
    for (int64_t h = kv * group; h < (kv + 1) * group; ++h) {
      for (int64_t block = 0; block < count_of(args_.T); ++block) {
        const Queries of = queries_of(b, h, block, args_.T);
        for (int64_t i = 0; i < of.count; ++i)
          std::fill_n(gradients_.dq.at(b, h, of.first + i), args_.Dh, Real{0});
        for_each_keys(args_, of, key_block_, [&](KeyRange keys) { one_block(of, keys, scratch); });
      }
    }
    recompute_nan_head(args_, gradients_, b, kv);
  }

  void one_block(const Queries& of, KeyRange keys, Scratch& scratch) const {
    compute_scores(args_, of, keys, scratch.weights.data(), key_block_, scratch.slopes.data());
    multiply(gradients_.dy, of, args_.v, args_.kv_head(of.h), keys, args_.Dh,
             scratch.dscores.data(), key_block_);
    for (int64_t i = 0; i < of.count; ++i) {
      const int64_t at = i * key_block_;
      one_query(of, of.first + i, keys, scratch.weights.data() + at, scratch.used.data() + at,
                scratch.dscores.data() + at,
                scratch.slopes.empty() ? nullptr : scratch.slopes.data() + at);
    }
  }

  /// On entry `weights` holds the scores, and `dscores` the gradients of the weights.
  void one_query(const Queries& of, int64_t t, KeyRange keys, Real* weights, Real* used,
                 Real* dscores, const Real* slopes) const {
    const int64_t b = of.b, kv = args_.kv_head(of.h), Dh = args_.Dh, count = keys.end - keys.begin;
    const int64_t row = (b * args_.H + of.h) * args_.T + t;
    const Real row_max = gradients_.row_max[row], inverse_row_sum = gradients_.inverse_row_sum[row];
    const Real *const y = gradients_.y.at(b, of.h, t), *const dy = gradients_.dy.at(b, of.h, t);
    Real delta = 0;  // y dy, which is Σ_s weight_s dweight_s
    for (int64_t d = 0; d < Dh; ++d) delta += y[d] * dy[d];

    std::fill_n(used, count, Real{1});
    if (args_.dropout > 0.0) args_.apply_dropout(b, of.h, t, keys, used);
    for (int64_t n = 0; n < count; ++n) {
      const Real weight = std::exp(weights[n] - row_max) * inverse_row_sum;
      dscores[n] = weight * (dscores[n] * used[n] - delta);
      used[n] *= weight;
    }
    if (gradients_.drelative_bias != nullptr) add_diagonals(of, t, keys, dscores);
    for (int64_t n = 0; n < count; ++n)
      dscores[n] *= slopes != nullptr ? slopes[n] * args_.scale : args_.scale;
    const Real* const q = args_.q.at(b, of.h, t);
    for (int64_t s = keys.begin; s < keys.end; ++s) {
      Real *const dk = gradients_.dk.at(b, kv, s), *const dv = gradients_.dv.at(b, kv, s);
      const Real score = dscores[s - keys.begin], weight = used[s - keys.begin];
      for (int64_t d = 0; d < Dh; ++d) dk[d] += score * q[d];
      for (int64_t d = 0; d < Dh; ++d) dv[d] += weight * dy[d];
    }
    add_rows(dscores, args_.k, b, kv, keys, Dh, gradients_.dq.at(b, of.h, t));
  }

  /// A bias by distance was added along diagonals of the scores, and its gradient is their sum.
  void add_diagonals(const Queries& of, int64_t t, KeyRange keys, const Real* dscores) const {
    Real* const sums =
        gradients_.drelative_bias + (of.b * args_.H + of.h) * (args_.T + args_.S - 1);
    const int64_t position = args_.query_position(of.b, t);
    for (int64_t s = keys.begin; s < keys.end; ++s)
      sums[args_.relative_entry(position, s)] += dscores[s - keys.begin];
  }

  const KernelArgs<Real>& args_;
  const KernelGradients<Real>& gradients_;
  int64_t key_block_;
};

}  // namespace zoo::blocks
