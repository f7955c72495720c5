// cuda-tensor backward, in two passes that recompute the weights: first dq and delta, where a block
// owns queries; then dk and dv, where it owns keys.
#pragma once
#include "models/attention/kernels/cuda/tensor_scores.h"

namespace zoo::cuda {

/// Recomputes this thread's numbers of a query's dq from visible keys alone, as recompute_row does
/// forward. A query without upstream gradient gets zeros.
template <class Block, class Entry, int kPieces>
ZOO_DEVICE ZOO_NOINLINE void recompute_dq(Block& block, const KernelArgs<float, Entry>& args,
                                          const KernelGradients<float, Entry>& g, int64_t b,
                                          int64_t h, int64_t t, int which, const RowStats& stats,
                                          float (&dq)[kPieces][4]) {
  for_each_number(block, dq, [&](int row, int, float& number) {
    if (row == which) number = 0;
  });
  if (is_zero_row(block, g.dy.at(b, h, t), args.Dh)) return;
  const int64_t kv = args.kv_head(h);
  const KeyRange keys = args.visible_keys(b, t);
  for (int64_t s = keys.begin; s < keys.end; ++s) {
    const float weight =
        visible_weight(block, args, b, h, t, s, stats.row_max) * stats.inverse_row_sum;
    if (weight == 0.0F) continue;
    const float dweight = dot_rows(block, g.dy.at(b, h, t), args.v.at(b, kv, s), args.Dh);
    const float gradient = weight * (dweight * dropout_factor(args, b, h, t, s) - stats.delta);
    const Entry* const k = args.k.at(b, kv, s);
    for_each_number(block, dq, [&](int row, int column, float& number) {
      if (row == which && column < args.Dh) number += gradient * block.unpack(k[column]);
    });
  }
}

template <class Entry, int kWidth, class Block>
ZOO_DEVICE void tensor_backward_queries(Block& block, const KernelArgs<float, Entry>& args,
                                        const KernelGradients<float, Entry>& g) {
  constexpr int kRows = kBackwardRows<kWidth>;
  const OwnRows own = own_rows(block, args.H, args.T, /*last_first=*/true);
  const int64_t b = own.b, h = own.h, kv = args.kv_head(h), count = own.end - own.first;
  auto* const q_tile = reinterpret_cast<uint16_t*>(block.shared());
  auto* const dy_tile = q_tile + kBlockRows * kTileStep<kWidth>;
  const TilePairs<kWidth, kRows> tiles{dy_tile + kBlockRows * kTileStep<kWidth>};
  const QueryKeys keys = query_keys(args, own);
  const KeyRange& all = keys.block;
  load_tile<kWidth, kBlockRows>(block, args.q, b, h, own.first, count, args.Dh, q_tile);
  load_tile<kWidth, kBlockRows>(block, g.dy, b, h, own.first, count, args.Dh, dy_tile);
  tiles.load(block, 0, args.k, args.v, b, kv, all.begin, all.end - all.begin, args.Dh);

  RowStats stats[2];
  ZOO_UNROLL
  for (int i = 0; i < 2; ++i) {
    float share = 0;
    if (own.has(i)) {
      const int64_t t = own.row_of(i), row = (b * args.H + h) * args.T + t;
      stats[i] = {g.row_max[row], g.inverse_row_sum[row], 0};
      share = delta_share(block, g, b, h, t, args.Dh, static_cast<int>(block.thread() % 4), 4);
    }
    stats[i].delta = sum_of_row(block, share);
    if (own.has(i) && block.thread() % 4 == 0)
      g.delta[(b * args.H + h) * args.T + own.row_of(i)] = stats[i].delta;
  }
  const auto queries = [&](int step, uint32_t(&piece)[4]) {
    left_piece<kWidth>(block, q_tile, step, piece);
  };
  const auto upstream = [&](int step, uint32_t(&piece)[4]) {
    left_piece<kWidth>(block, dy_tile, step, piece);
  };
  float dq[kWidth / 8][4] = {};
  int stage = 0;
  for (int64_t tile = all.begin; tile < all.end; tile += kRows, stage ^= 1) {
    block.wait_for_copies();
    block.sync();
    if (const int64_t next = tile + kRows; next < all.end)
      tiles.load(block, stage ^ 1, args.k, args.v, b, kv, next, all.end - next, args.Dh);
    const uint16_t* const keys_tile = tiles.tile(stage, 0);
    const uint16_t* const values_tile = tiles.tile(stage, 1);
    const KeyRange here{tile, tile + kRows};
    if (!keys.warp.any(here)) continue;
    const bool unrestricted =
        keys.warp.all(here) && own.warp + kWarpRows <= own.end && !args.has_bias_or_mask();
    float scores[kRows / 8][4], dweights[kRows / 8][4];
    multiply_rows<Entry, kWidth, kRows>(block, queries, keys_tile, scores);
    multiply_rows<Entry, kWidth, kRows>(block, upstream, values_tile, dweights);
    weight_gradients(
        block, args, b, h, unrestricted, scores, dweights,
        [&](int row, int column) {
          return ScorePosition{keys.begin[row], keys.end[row], own.row_of(row), tile + column};
        },
        [&](int row, int) -> const RowStats& { return stats[row]; });
    add_rows<Entry, kWidth, kRows>(block, dweights, keys_tile, dq);
  }
  if (args.restricted()) {
    ZOO_UNROLL
    for (int i = 0; i < 2; ++i) {
      if (own.has(i) && row_has_nan(dq, i))
        recompute_dq(block, args, g, b, h, own.row_of(i), i, stats[i], dq);
    }
  }
  const float factors[2] = {stats[0].inverse_row_sum == 0.0F ? 0.0F : args.scale,
                            stats[1].inverse_row_sum == 0.0F ? 0.0F : args.scale};
  write_rows<kWidth>(block, own, g.dq, args.Dh, factors, dq);
}

/// Recomputes this thread's numbers of a key's dk and dv, one query at a time. A query without
/// upstream gradient adds nothing, even where it holds NaN.
template <class Block, class Entry, int kPieces>
ZOO_DEVICE ZOO_NOINLINE void recompute_dk_dv(Block& block, const KernelArgs<float, Entry>& args,
                                             const KernelGradients<float, Entry>& g, int64_t b,
                                             int64_t kv, int64_t s, int which,
                                             float (&dk)[kPieces][4], float (&dv)[kPieces][4]) {
  const auto add = [&](float(&sums)[kPieces][4], float factor, const Entry* numbers) {
    for_each_number(block, sums, [&](int row, int column, float& sum) {
      if (row == which && column < args.Dh) sum += factor * block.unpack(numbers[column]);
    });
  };
  const auto clear = [&](int row, int, float& sum) {
    if (row == which) sum = 0;
  };
  for_each_number(block, dk, clear);
  for_each_number(block, dv, clear);
  const int64_t group = args.H / args.Hkv;
  for (int64_t n = 0; n < group * args.T; ++n) {
    const int64_t h = kv * group + n / args.T, t = n % args.T;
    const KeyRange keys = args.visible_keys(b, t);
    const Entry* const dy = g.dy.at(b, h, t);
    if (s < keys.begin || s >= keys.end || is_zero_row(block, dy, args.Dh)) continue;
    const RowStats stats = row_stats(g, (b * args.H + h) * args.T + t);
    const float weight =
        visible_weight(block, args, b, h, t, s, stats.row_max) * stats.inverse_row_sum;
    if (weight == 0.0F) continue;
    const float dropout = dropout_factor(args, b, h, t, s);
    const float dweight = dot_rows(block, dy, args.v.at(b, kv, s), args.Dh);
    add(dk, weight * (dweight * dropout - stats.delta), args.q.at(b, h, t));
    add(dv, weight * dropout, dy);
  }
}

/// What the pass of dk and dv needs of a query.
struct QueryStats {
  RowStats row;
  int32_t begin, end;  ///< visible keys
};
template <class Entry, int kWidth, class Block>
ZOO_DEVICE void tensor_backward_keys(Block& block, const KernelArgs<float, Entry>& args,
                                     const KernelGradients<float, Entry>& g) {
  constexpr int kRows = kBackwardRows<kWidth>;
  const OwnRows own = own_rows(block, args.Hkv, args.S, /*last_first=*/false);
  const int64_t b = own.b, kv = own.h, count = own.end - own.first, group = args.H / args.Hkv;
  auto* const k_tile = reinterpret_cast<uint16_t*>(block.shared());
  auto* const v_tile = k_tile + kBlockRows * kTileStep<kWidth>;
  const TilePairs<kWidth, kRows> tiles{v_tile + kBlockRows * kTileStep<kWidth>};
  auto* const queries = reinterpret_cast<QueryStats*>(tiles.end());  // [2, kRows]
  load_tile<kWidth, kBlockRows>(block, args.k, b, kv, own.first, count, args.Dh, k_tile);
  load_tile<kWidth, kBlockRows>(block, args.v, b, kv, own.first, count, args.Dh, v_tile);
  const auto keys = [&](int step, uint32_t(&piece)[4]) {
    left_piece<kWidth>(block, k_tile, step, piece);
  };
  const auto values = [&](int step, uint32_t(&piece)[4]) {
    left_piece<kWidth>(block, v_tile, step, piece);
  };

  // The tiles of queries of all heads of the group, one after the other.
  const int64_t tiles_of_head = (args.T + kRows - 1) / kRows;
  const auto visible = [&](int64_t n) {
    const int64_t tile = n % tiles_of_head * kRows;
    const int64_t last = tile + kRows < args.T ? tile + kRows - 1 : args.T - 1;
    return VisibleKeys{args.visible_keys(b, tile), args.visible_keys(b, last)};
  };
  const auto next_tile = [&](int64_t n) {  // the first from n on that sees one of the block's keys
    while (n < group * tiles_of_head && !visible(n).any({own.first, own.end})) ++n;
    return n;
  };
  const auto load = [&](int64_t n, int stage) {
    const int64_t h = kv * group + n / tiles_of_head, tile = n % tiles_of_head * kRows;
    tiles.load(block, stage, args.q, g.dy, b, h, tile, args.T - tile, args.Dh);
    const int64_t i = block.thread(), t = tile + i;
    if (i >= kRows) return;
    QueryStats query{};
    if (t < args.T) {
      const KeyRange range = args.visible_keys(b, t);
      query = {row_stats(g, (b * args.H + h) * args.T + t), static_cast<int32_t>(range.begin),
               static_cast<int32_t>(range.end)};
    }
    queries[stage * kRows + i] = query;
  };

  float dk[kWidth / 8][4] = {}, dv[kWidth / 8][4] = {};
  int stage = 0;
  int64_t n = next_tile(0);
  if (n < group * tiles_of_head) load(n, 0);
  for (; n < group * tiles_of_head; stage ^= 1) {
    const int64_t h = kv * group + n / tiles_of_head, tile = n % tiles_of_head * kRows;
    const VisibleKeys here = visible(n);
    block.wait_for_copies();
    block.sync();
    n = next_tile(n + 1);
    if (n < group * tiles_of_head) load(n, stage ^ 1);
    const uint16_t* const queries_tile = tiles.tile(stage, 0);
    const uint16_t* const dy_tile = tiles.tile(stage, 1);
    const KeyRange mine{own.warp, own.warp + kWarpRows};
    if (own.warp >= own.end || !here.any(mine)) continue;
    const bool unrestricted = here.all(mine) && tile + kRows <= args.T && !args.has_bias_or_mask();
    float scores[kRows / 8][4], dweights[kRows / 8][4];
    multiply_rows<Entry, kWidth, kRows>(block, keys, queries_tile, scores);
    multiply_rows<Entry, kWidth, kRows>(block, values, dy_tile, dweights);
    const QueryStats* const here_stats = queries + stage * kRows;
    weight_gradients(
        block, args, b, h, unrestricted, scores, dweights,
        [&](int row, int column) {
          const QueryStats& query = here_stats[column];
          return ScorePosition{query.begin, query.end, tile + column, own.row_of(row)};
        },
        [&](int, int column) -> const RowStats& { return here_stats[column].row; });
    add_rows<Entry, kWidth, kRows>(block, dweights, queries_tile, dk);
    add_rows<Entry, kWidth, kRows>(block, scores, dy_tile, dv);
  }
  if (args.restricted()) {
    ZOO_UNROLL
    for (int i = 0; i < 2; ++i) {
      if (own.has(i) && (row_has_nan(dk, i) || row_has_nan(dv, i)))
        recompute_dk_dv(block, args, g, b, kv, own.row_of(i), i, dk, dv);
    }
  }
  write_rows<kWidth>(block, own, g.dk, args.Dh, {args.scale, args.scale}, dk);
  write_rows<kWidth>(block, own, g.dv, args.Dh, {1.0F, 1.0F}, dv);
}

}  // namespace zoo::cuda
