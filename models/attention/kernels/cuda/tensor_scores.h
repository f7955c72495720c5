// What cuda-tensor makes of products: scores, weights, and the gradients of both.
#pragma once
#include "models/attention/kernels/cuda/tensor_pieces.h"

namespace zoo::cuda {

inline constexpr float kLog2e = 1.44269504088896340736F;

/// Whose score a number is, and what its query sees.
struct Scored {
  int32_t begin, end;
  int64_t t, s;
};

// What is rare is kept apart, because its code would be there once for every number of a thread.
template <class Entry>
ZOO_DEVICE ZOO_APART float with_terms(const PlainCall<float, Entry>& call, int64_t b, int64_t h,
                                      const Scored& at, float score) {
  call.add_terms(b, h, at.t, {at.s, at.s + 1}, kLog2e, &score);
  return score;
}
template <class Entry>
ZOO_DEVICE ZOO_APART float dropout_factor(const PlainCall<float, Entry>& call, int64_t b, int64_t h,
                                          const Scored& at) {
  return kept(call, b, h, at.t, at.s);
}

/// Products to scores in units of log 2; kHidden where not seen. at(row, column) says whose one is;
/// it is not asked where `unrestricted`: all is seen, and nothing added.
template <class Block, class Entry, int kPieces, class At>
ZOO_DEVICE void finish_scores(Block& block, const PlainCall<float, Entry>& call, int64_t b,
                              int64_t h, bool unrestricted, float (&scores)[kPieces][4],
                              const At& at) {
  const float unit = call.scale * kLog2e;
  for_each_number(block, scores, [&](int, int, float& score) { score *= unit; });
  if (unrestricted) return;
  for_each_number(block, scores, [&](int row, int column, float& score) {
    const Scored whose = at(row, column);
    if (whose.s < whose.begin || whose.s >= whose.end) score = kHidden;
  });
  if (!call.has_terms()) return;
  for_each_number(block, scores, [&](int row, int column, float& score) {
    if (score != kHidden) score = with_terms(call, b, h, at(row, column), score);
  });
}

/// What the first and the last of some queries see; bounds never fall from one query to the next.
struct SeenKeys {
  KeyRange first, last;

  /// Whether any of the queries may see any of the keys.
  ZOO_DEVICE bool any(const KeyRange& keys) const {
    return first.begin < keys.end && keys.begin < last.end;
  }
  /// Whether all of them see all of the keys.
  ZOO_DEVICE bool all(const KeyRange& keys) const {
    return last.begin <= keys.begin && keys.end <= first.end;
  }
};

/// What a thread's two queries see, its warp's, and its block's together.
struct QueryKeys {
  int32_t begin[2] = {}, end[2] = {};
  SeenKeys warp;  ///< nothing where the warp has no queries
  KeyRange block;
};
template <class Entry>
ZOO_DEVICE QueryKeys query_keys(const PlainCall<float, Entry>& call, const OwnRows& own) {
  QueryKeys keys;
  keys.block = {call.keys_of(own.b, own.first).begin, call.keys_of(own.b, own.end - 1).end};
  if (own.warp < own.end)
    keys.warp = {call.keys_of(own.b, own.warp), call.keys_of(own.b, own.warp_last())};
  ZOO_UNROLL
  for (int i = 0; i < 2; ++i) {
    if (!own.has(i)) continue;
    const KeyRange mine = call.keys_of(own.b, own.row_of(i));
    keys.begin[i] = static_cast<int32_t>(mine.begin), keys.end[i] = static_cast<int32_t>(mine.end);
  }
  return keys;
}

/// A top that can be taken from scores: of a row that sees nothing, 0.
ZOO_DEVICE inline float finite_top(float top) { return top == kHidden ? 0.0F : top; }

/// y dy of a query, from its threads' shares.
template <class Block, class Entry>
ZOO_DEVICE float pull_share(Block& block, const PlainGradients<float, Entry>& g, int64_t b,
                            int64_t h, int64_t t, int64_t Dh, int share, int shares) {
  const Entry *const y = g.y.at(b, h, t), *const dy = g.dy.at(b, h, t);
  float pull = 0;
  for (int64_t i = share; i < Dh; i += shares) pull += block.unpack(y[i]) * block.unpack(dy[i]);
  return pull;
}

/// Whether one of a thread's numbers of one of its two rows is none.
template <int kPieces>
ZOO_DEVICE bool row_has_nan(const float (&product)[kPieces][4], int row) {
  bool found = false;
  ZOO_UNROLL
  for (int n = 0; n < kPieces; ++n) {
    found |= product[n][2 * row] != product[n][2 * row];
    found |= product[n][2 * row + 1] != product[n][2 * row + 1];
  }
  return found;
}

/// Σ a_i b_i of two rows.
template <class Block, class Entry>
ZOO_DEVICE float dot_rows(Block& block, const Entry* a, const Entry* b, int64_t Dh) {
  float sum = 0;
  for (int64_t i = 0; i < Dh; ++i) sum += block.unpack(a[i]) * block.unpack(b[i]);
  return sum;
}

/// A weight in units of 2^top, by itself; 0 where the key is hidden.
template <class Block, class Entry>
ZOO_DEVICE float seen_weight(Block& block, const PlainCall<float, Entry>& call, int64_t b,
                             int64_t h, int64_t t, int64_t s, float top) {
  float score = call.scale * kLog2e *
                dot_rows(block, call.q.at(b, h, t), call.k.at(b, call.kv_head(h), s), call.Dh);
  call.add_terms(b, h, t, {s, s + 1}, kLog2e, &score);
  return score == kHidden ? 0.0F : block.exp2(score - finite_top(top));
}

/// What backward makes of the products q k and dy v: of the first the weights as they were used, of
/// the second the gradients of the scores. at() as above; sums(row, column) are those of the query.
template <class Block, class Entry, int kPieces, class At, class Sums>
ZOO_DEVICE void weight_gradients(Block& block, const PlainCall<float, Entry>& call, int64_t b,
                                 int64_t h, bool unrestricted, float (&weights)[kPieces][4],
                                 float (&gradients)[kPieces][4], const At& at, const Sums& sums) {
  finish_scores(block, call, b, h, unrestricted, weights, at);
  for_each_number(block, weights, [&](int row, int column, float& weight) {
    const RowSums& query = sums(row, column);
    weight = block.exp2(weight - query.top) * query.inverse_sum;
  });
  // Where a weight is 0, dy v may be no number.
  const int column = static_cast<int>(block.thread() % 4) * 2;
  const auto each = [&](auto factor) {
    ZOO_UNROLL
    for (int n = 0; n < kPieces; ++n) {
      ZOO_UNROLL
      for (int i = 0; i < 4; ++i) {
        float &weight = weights[n][i], &gradient = gradients[n][i];
        const int place = n * 8 + column + i % 2;
        const float used = factor(i / 2, place);
        const float pulled = weight * (gradient * used - sums(i / 2, place).pull);
        gradient = weight == 0.0F ? 0.0F : pulled;
        weight *= used;
      }
    }
  };
  if (call.dropout > 0.0) {
    each([&](int row, int place) { return dropout_factor(call, b, h, at(row, place)); });
  } else {
    each([](int, int) { return 1.0F; });
  }
}

}  // namespace zoo::cuda
