// Blocks of queries against blocks of keys, in plain C++ that a compiler can vectorise: what rungs
// `blocked` and `online` are made of, and the backward pass that both have.
#pragma once
#include <cmath>
#include <vector>

#include "models/attention/kernels/plain_call.h"
#include "models/attention/kernels/seen_rows.h"
#include "models/simd/parallel.h"

namespace zoo::blocks {

/// Queries in a block.
inline constexpr int64_t kQueries = 32;
/// Keys in a block: with Dh = 64 its keys, values and scores fill a first-level cache.
inline constexpr int64_t kKeys = 64;

inline int64_t count_of(int64_t T) { return (T + kQueries - 1) / kQueries; }

/// Queries first ... first + count - 1 of head h in row b of the batch.
struct Queries {
  int64_t b, h, first, count;
};

inline Queries queries_of(int64_t b, int64_t h, int64_t block, int64_t T) {
  const int64_t first = block * kQueries;
  return {b, h, first, std::min(kQueries, T - first)};
}

/// Calls one_block(queries) for all blocks of queries, as tasks of their own.
template <typename Real, typename F>
void for_each_queries(const PlainCall<Real>& call, F one_block) {
  const int64_t count = count_of(call.T);
  for_each_task(call.B * call.H * count, [&](int64_t n) {
    const int64_t head = n / count;
    one_block(queries_of(head / call.H, head % call.H, n % count, call.T));
  });
}

/// The keys that at least one of the queries sees.
template <typename Real>
KeyRange keys_of(const PlainCall<Real>& call, const Queries& of) {
  return {call.keys_of(of.b, of.first).begin, call.keys_of(of.b, of.first + of.count - 1).end};
}

/// Calls f(keys) for the blocks of `size` keys that make up a range.
template <typename F>
void for_each_block(KeyRange range, int64_t size, F f) {
  for (int64_t s = range.begin; s < range.end; s += size)
    f(KeyRange{s, std::min(s + size, range.end)});
}

/// The largest of `count` scores and `top`; not a number where one of them is none.
template <typename Real>
Real largest(const Real* scores, int64_t count, Real top) {
  for (int64_t n = 0; n < count; ++n)
    if (scores[n] > top || std::isnan(scores[n])) top = scores[n];
  return top;
}

/// products[i][s - keys.begin] = left_i right_s; a row of products has `stride` numbers. The right
/// side is turned over first, so that the innermost loop runs along keys, all independent.
template <typename Real>
void multiply(const Rows<const Real>& left, const Queries& of, const Rows<const Real>& right,
              int64_t right_head, KeyRange keys, int64_t Dh, Real* products, int64_t stride) {
  thread_local std::vector<Real> turned;
  const int64_t count = keys.end - keys.begin;
  turned.resize(static_cast<size_t>(Dh * count));
  for (int64_t s = 0; s < count; ++s) {
    const Real* const row = right.at(of.b, right_head, keys.begin + s);
    for (int64_t d = 0; d < Dh; ++d) turned[static_cast<size_t>(d * count + s)] = row[d];
  }
  for (int64_t i = 0; i < of.count; ++i) {
    const Real* const row = left.at(of.b, of.h, of.first + i);
    Real* const out = products + i * stride;
    std::fill(out, out + count, Real{0});
    for (int64_t d = 0; d < Dh; ++d) {
      const Real* const column = turned.data() + d * count;
      for (int64_t s = 0; s < count; ++s) out[s] += row[d] * column[s];
    }
  }
}

/// scores[i][s - keys.begin], biases and masks included: minus infinity where hidden.
template <typename Real>
void find_scores(const PlainCall<Real>& call, const Queries& of, KeyRange keys, Real* scores,
                 int64_t stride) {
  multiply(call.q, of, call.k, call.kv_head(of.h), keys, call.Dh, scores, stride);
  for (int64_t i = 0; i < of.count; ++i) {
    Real* const row = scores + i * stride;
    for (int64_t n = 0; n < keys.end - keys.begin; ++n) row[n] *= call.scale;
    if (call.has_terms()) call.add_terms(of.b, of.h, of.first + i, keys, Real{1}, row);
    const KeyRange seen = call.keys_of(of.b, of.first + i);
    for (int64_t s = keys.begin; s < keys.end; ++s) {
      if (s < seen.begin || s >= seen.end)
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

/// Backward of both rungs, `key_block` keys at a time: the weights are formed again from q, k and
/// the logarithms of the rows' sums. One task is a key-value head with all query heads that read
/// it.
template <typename Real>
class Backward {
 public:
  Backward(const PlainCall<Real>& call, const PlainGradients<Real>& gradients, int64_t key_block)
      : call_(call), gradients_(gradients), key_block_(std::min(key_block, call.S)) {}

  void run() const {
    for_each_task(call_.B * call_.Hkv, [&](int64_t n) { one_head(n / call_.Hkv, n % call_.Hkv); });
  }

 private:
  struct Scratch {
    std::vector<Real> weights, used, dscores;  // [kQueries, key_block]
  };

  void one_head(int64_t b, int64_t kv) const {
    for (int64_t s = 0; s < call_.S; ++s) {
      std::fill_n(gradients_.dk.at(b, kv, s), call_.Dh, Real{0});
      std::fill_n(gradients_.dv.at(b, kv, s), call_.Dh, Real{0});
    }
    const auto size = static_cast<size_t>(kQueries * key_block_);
    Scratch scratch{std::vector<Real>(size), std::vector<Real>(size), std::vector<Real>(size)};
    const int64_t group = call_.H / call_.Hkv;
    for (int64_t h = kv * group; h < (kv + 1) * group; ++h) {
      for (int64_t block = 0; block < count_of(call_.T); ++block) {
        const Queries of = queries_of(b, h, block, call_.T);
        for (int64_t i = 0; i < of.count; ++i)
          std::fill_n(gradients_.dq.at(b, h, of.first + i), call_.Dh, Real{0});
        for_each_block(keys_of(call_, of), key_block_,
                       [&](KeyRange keys) { one_block(of, keys, scratch); });
      }
    }
    mend_head(call_, gradients_, b, kv);
  }

  void one_block(const Queries& of, KeyRange keys, Scratch& scratch) const {
    find_scores(call_, of, keys, scratch.weights.data(), key_block_);
    multiply(gradients_.dy, of, call_.v, call_.kv_head(of.h), keys, call_.Dh,
             scratch.dscores.data(), key_block_);
    for (int64_t i = 0; i < of.count; ++i) {
      const int64_t at = i * key_block_;
      one_query(of, of.first + i, keys, scratch.weights.data() + at, scratch.used.data() + at,
                scratch.dscores.data() + at);
    }
  }

  /// weights: scores so far; dscores: gradients of the weights so far.
  void one_query(const Queries& of, int64_t t, KeyRange keys, Real* weights, Real* used,
                 Real* dscores) const {
    const int64_t b = of.b, kv = call_.kv_head(of.h), Dh = call_.Dh, count = keys.end - keys.begin;
    const int64_t place = (b * call_.H + of.h) * call_.T + t;
    const Real top = gradients_.tops[place], inverse_sum = gradients_.inverse_sums[place];
    const Real *const y = gradients_.y.at(b, of.h, t), *const dy = gradients_.dy.at(b, of.h, t);
    Real pull = 0;  // Σ weight * its gradient over all keys
    for (int64_t d = 0; d < Dh; ++d) pull += y[d] * dy[d];

    std::fill_n(used, count, Real{1});
    if (call_.dropout > 0.0) call_.drop(b, of.h, t, keys, used);
    for (int64_t n = 0; n < count; ++n) {
      const Real weight = std::exp(weights[n] - top) * inverse_sum;
      dscores[n] = weight * (dscores[n] * used[n] - pull) * call_.scale;
      used[n] *= weight;
    }
    const Real* const q = call_.q.at(b, of.h, t);
    for (int64_t s = keys.begin; s < keys.end; ++s) {
      Real *const dk = gradients_.dk.at(b, kv, s), *const dv = gradients_.dv.at(b, kv, s);
      const Real score = dscores[s - keys.begin], weight = used[s - keys.begin];
      for (int64_t d = 0; d < Dh; ++d) dk[d] += score * q[d];
      for (int64_t d = 0; d < Dh; ++d) dv[d] += weight * dy[d];
    }
    add_rows(dscores, call_.k, b, kv, keys, Dh, gradients_.dq.at(b, of.h, t));
  }

  const PlainCall<Real>& call_;
  const PlainGradients<Real>& gradients_;
  int64_t key_block_;
};

}  // namespace zoo::blocks
