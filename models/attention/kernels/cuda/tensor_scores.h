// From products to scores, weights, and the gradients of both, for cuda-tensor.
#pragma once
#include "models/attention/kernels/cuda/tensor_pieces.h"

namespace zoo::cuda {

inline constexpr float kLog2e = 1.44269504088896340736F;

/// The query and the key of a score, and the keys that the query sees.
struct ScorePosition {
  int32_t begin, end;
  int64_t t, s;
};

// Not inlined: for_each_number would repeat this rare code for every number of a thread.
template <class Entry>
ZOO_DEVICE ZOO_NOINLINE float with_bias_and_mask(const KernelArgs<float, Entry>& args, int64_t b,
                                                 int64_t h, const ScorePosition& at, float score) {
  args.add_bias_and_mask(b, h, at.t, {at.s, at.s + 1}, kLog2e, &score);
  return score;
}
template <class Entry>
ZOO_DEVICE ZOO_NOINLINE float dropout_factor(const KernelArgs<float, Entry>& args, int64_t b,
                                             int64_t h, const ScorePosition& at) {
  return dropout_factor(args, b, h, at.t, at.s);
}

/// Products to scores times log2(e); kHidden where the key is hidden. at(row, column) gives the
/// position of a score. `unrestricted`: no key is hidden, and there is no bias; at() is not called.
template <class Block, class Entry, int kPieces, class At>
ZOO_DEVICE void finish_scores(Block& block, const KernelArgs<float, Entry>& args, int64_t b,
                              int64_t h, bool unrestricted, float (&scores)[kPieces][4],
                              const At& at) {
  const float unit = args.scale * kLog2e;
  for_each_number(block, scores, [&](int, int, float& score) { score *= unit; });
  if (unrestricted) return;
  for_each_number(block, scores, [&](int row, int column, float& score) {
    const ScorePosition position = at(row, column);
    if (position.s < position.begin || position.s >= position.end) score = kHidden;
  });
  if (!args.has_bias_or_mask()) return;
  for_each_number(block, scores, [&](int row, int column, float& score) {
    if (score != kHidden) score = with_bias_and_mask(args, b, h, at(row, column), score);
  });
}

/// The keys that the first and the last of some queries see; bounds never decrease from one query
/// to the next.
struct VisibleKeys {
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

/// The keys that a thread's two queries see, those of its warp, and those of its block together.
struct QueryKeys {
  int32_t begin[2] = {}, end[2] = {};
  VisibleKeys warp;  ///< empty where the warp has no queries
  KeyRange block;
};
template <class Entry>
ZOO_DEVICE QueryKeys query_keys(const KernelArgs<float, Entry>& args, const OwnRows& own) {
  QueryKeys keys;
  keys.block = {args.visible_keys(own.b, own.first).begin,
                args.visible_keys(own.b, own.end - 1).end};
  if (own.warp < own.end)
    keys.warp = {args.visible_keys(own.b, own.warp), args.visible_keys(own.b, own.warp_last())};
  ZOO_UNROLL
  for (int i = 0; i < 2; ++i) {
    if (!own.has(i)) continue;
    const KeyRange mine = args.visible_keys(own.b, own.row_of(i));
    keys.begin[i] = static_cast<int32_t>(mine.begin), keys.end[i] = static_cast<int32_t>(mine.end);
  }
  return keys;
}

/// row_max, or 0 for a row without visible keys, so that scores minus it are not NaN.
ZOO_DEVICE inline float finite_max(float row_max) { return row_max == kHidden ? 0.0F : row_max; }

/// This thread's share of y dy of a query.
template <class Block, class Entry>
ZOO_DEVICE float delta_share(Block& block, const KernelGradients<float, Entry>& g, int64_t b,
                             int64_t h, int64_t t, int64_t Dh, int share, int shares) {
  const Entry *const y = g.y.at(b, h, t), *const dy = g.dy.at(b, h, t);
  float delta = 0;
  for (int64_t i = share; i < Dh; i += shares) delta += block.unpack(y[i]) * block.unpack(dy[i]);
  return delta;
}

/// Whether this thread holds NaN in one of its two rows.
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

template <class Block, class Entry>
ZOO_DEVICE bool is_zero_row(Block& block, const Entry* row, int64_t Dh) {
  for (int64_t i = 0; i < Dh; ++i)
    if (block.unpack(row[i]) != 0.0F) return false;
  return true;
}

/// One weight times its row's sum, computed alone; 0 where the key is hidden.
template <class Block, class Entry>
ZOO_DEVICE float visible_weight(Block& block, const KernelArgs<float, Entry>& args, int64_t b,
                                int64_t h, int64_t t, int64_t s, float row_max) {
  float score = args.scale * kLog2e *
                dot_rows(block, args.q.at(b, h, t), args.k.at(b, args.kv_head(h), s), args.Dh);
  args.add_bias_and_mask(b, h, t, {s, s + 1}, kLog2e, &score);
  return score == kHidden ? 0.0F : block.exp2(score - finite_max(row_max));
}

/// Backward: turns the products q k into weights after dropout, and the products dy v into score
/// gradients. at() as above; stats(row, column) are those of the query.
template <class Block, class Entry, int kPieces, class At, class Stats>
ZOO_DEVICE void weight_gradients(Block& block, const KernelArgs<float, Entry>& args, int64_t b,
                                 int64_t h, bool unrestricted, float (&weights)[kPieces][4],
                                 float (&gradients)[kPieces][4], const At& at, const Stats& stats) {
  finish_scores(block, args, b, h, unrestricted, weights, at);
  for_each_number(block, weights, [&](int row, int column, float& weight) {
    const RowStats& query = stats(row, column);
    weight = block.exp2(weight - query.row_max) * query.inverse_row_sum;
  });
  // Where a weight is 0, dy v may be NaN.
  const int column = static_cast<int>(block.thread() % 4) * 2;
  const auto each = [&](auto factor) {
    ZOO_UNROLL
    for (int n = 0; n < kPieces; ++n) {
      ZOO_UNROLL
      for (int i = 0; i < 4; ++i) {
        float &weight = weights[n][i], &gradient = gradients[n][i];
        const int own_column = n * 8 + column + i % 2;
        const float dropout = factor(i / 2, own_column);
        const float dscore = weight * (gradient * dropout - stats(i / 2, own_column).delta);
        gradient = weight == 0.0F ? 0.0F : dscore;
        weight *= dropout;
      }
    }
  };
  if (args.dropout > 0.0) {
    each([&](int row, int own_column) { return dropout_factor(args, b, h, at(row, own_column)); });
  } else {
    each([](int, int) { return 1.0F; });
  }
}

}  // namespace zoo::cuda
