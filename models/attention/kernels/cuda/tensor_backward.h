// cuda-tensor backward, in two passes that form the weights again: dq with queries as a block's own
// rows, which leaves y dy of each, then dk and dv with keys as its own.
#pragma once
#include "models/attention/kernels/cuda/tensor_scores.h"

namespace zoo::cuda {

/// As mend_row of forward: a thread's numbers of a query's dq, from the keys that it sees alone.
template <class Block, class Entry, int kPieces>
ZOO_DEVICE ZOO_APART void mend_gradient(Block& block, const PlainCall<float, Entry>& call,
                                        const PlainGradients<float, Entry>& g, int64_t b, int64_t h,
                                        int64_t t, int which, const RowSums& sums,
                                        float (&dq)[kPieces][4]) {
  for_each_number(block, dq, [&](int row, int, float& number) {
    if (row == which) number = 0;
  });
  const int64_t kv = call.kv_head(h);
  const KeyRange keys = call.keys_of(b, t);
  for (int64_t s = keys.begin; s < keys.end; ++s) {
    const float weight = seen_weight(block, call, b, h, t, s, sums.top) * sums.inverse_sum;
    if (weight == 0.0F) continue;
    const float dweight = dot_rows(block, g.dy.at(b, h, t), call.v.at(b, kv, s), call.Dh);
    const float gradient = weight * (dweight * kept(call, b, h, t, s) - sums.pull);
    const Entry* const k = call.k.at(b, kv, s);
    for_each_number(block, dq, [&](int row, int column, float& number) {
      if (row == which && column < call.Dh) number += gradient * block.unpack(k[column]);
    });
  }
}

template <class Entry, int kWidth, class Block>
ZOO_DEVICE void tensor_backward_queries(Block& block, const PlainCall<float, Entry>& call,
                                        const PlainGradients<float, Entry>& g) {
  constexpr int kRows = kBackwardRows<kWidth>;
  const OwnRows own = own_rows(block, call.H, call.T, /*last_first=*/true);
  const int64_t b = own.b, h = own.h, kv = call.kv_head(h), count = own.end - own.first;
  auto* const q_tile = reinterpret_cast<uint16_t*>(block.shared());
  auto* const dy_tile = q_tile + kBlockRows * kTileStep<kWidth>;
  const TilePairs<kWidth, kRows> tiles{dy_tile + kBlockRows * kTileStep<kWidth>};
  const QueryKeys keys = query_keys(call, own);
  const KeyRange& all = keys.block;
  load_tile<kWidth, kBlockRows>(block, call.q, b, h, own.first, count, call.Dh, q_tile);
  load_tile<kWidth, kBlockRows>(block, g.dy, b, h, own.first, count, call.Dh, dy_tile);
  tiles.load(block, 0, call.k, call.v, b, kv, all.begin, all.end - all.begin, call.Dh);

  RowSums sums[2];
  ZOO_UNROLL
  for (int i = 0; i < 2; ++i) {
    float share = 0;
    if (own.has(i)) {
      const int64_t t = own.row_of(i), row = (b * call.H + h) * call.T + t;
      sums[i] = {g.tops[row], g.inverse_sums[row], 0};
      share = pull_share(block, g, b, h, t, call.Dh, static_cast<int>(block.thread() % 4), 4);
    }
    sums[i].pull = row_sum(block, share);
    if (own.has(i) && block.thread() % 4 == 0)
      g.pulls[(b * call.H + h) * call.T + own.row_of(i)] = sums[i].pull;
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
      tiles.load(block, stage ^ 1, call.k, call.v, b, kv, next, all.end - next, call.Dh);
    const uint16_t* const keys_tile = tiles.tile(stage, 0);
    const uint16_t* const values_tile = tiles.tile(stage, 1);
    const KeyRange here{tile, tile + kRows};
    if (!keys.warp.any(here)) continue;
    const bool unrestricted =
        keys.warp.all(here) && own.warp + kWarpRows <= own.end && !call.has_terms();
    float scores[kRows / 8][4], dweights[kRows / 8][4];
    multiply_rows<Entry, kWidth, kRows>(block, queries, keys_tile, scores);
    multiply_rows<Entry, kWidth, kRows>(block, upstream, values_tile, dweights);
    weight_gradients(
        block, call, b, h, unrestricted, scores, dweights,
        [&](int row, int column) {
          return Scored{keys.begin[row], keys.end[row], own.row_of(row), tile + column};
        },
        [&](int row, int) -> const RowSums& { return sums[row]; });
    add_rows<Entry, kWidth, kRows>(block, dweights, keys_tile, dq);
  }
  if (call.restricted()) {
    ZOO_UNROLL
    for (int i = 0; i < 2; ++i) {
      if (own.has(i) && row_has_nan(dq, i))
        mend_gradient(block, call, g, b, h, own.row_of(i), i, sums[i], dq);
    }
  }
  const float factors[2] = {sums[0].inverse_sum == 0.0F ? 0.0F : call.scale,
                            sums[1].inverse_sum == 0.0F ? 0.0F : call.scale};
  write_rows<kWidth>(block, own, g.dq, call.Dh, factors, dq);
}

/// What dk and dv need of a tile's queries.
struct QuerySums {
  RowSums sums;
  int32_t begin, end;  ///< the keys it sees
};
template <class Entry, int kWidth, class Block>
ZOO_DEVICE void tensor_backward_keys(Block& block, const PlainCall<float, Entry>& call,
                                     const PlainGradients<float, Entry>& g) {
  constexpr int kRows = kBackwardRows<kWidth>;
  const OwnRows own = own_rows(block, call.Hkv, call.S, /*last_first=*/false);
  const int64_t b = own.b, kv = own.h, count = own.end - own.first, group = call.H / call.Hkv;
  auto* const k_tile = reinterpret_cast<uint16_t*>(block.shared());
  auto* const v_tile = k_tile + kBlockRows * kTileStep<kWidth>;
  const TilePairs<kWidth, kRows> tiles{v_tile + kBlockRows * kTileStep<kWidth>};
  auto* const queries = reinterpret_cast<QuerySums*>(tiles.end());  // [2, kRows]
  load_tile<kWidth, kBlockRows>(block, call.k, b, kv, own.first, count, call.Dh, k_tile);
  load_tile<kWidth, kBlockRows>(block, call.v, b, kv, own.first, count, call.Dh, v_tile);
  const auto keys = [&](int step, uint32_t(&piece)[4]) {
    left_piece<kWidth>(block, k_tile, step, piece);
  };
  const auto values = [&](int step, uint32_t(&piece)[4]) {
    left_piece<kWidth>(block, v_tile, step, piece);
  };

  // The tiles of queries of all heads of the group, one after the other.
  const int64_t tiles_of_head = (call.T + kRows - 1) / kRows;
  const auto seen = [&](int64_t n) {
    const int64_t tile = n % tiles_of_head * kRows;
    const int64_t last = tile + kRows < call.T ? tile + kRows - 1 : call.T - 1;
    return SeenKeys{call.keys_of(b, tile), call.keys_of(b, last)};
  };
  const auto next_tile = [&](int64_t n) {  // the first from n on that sees a key of the block
    while (n < group * tiles_of_head && !seen(n).any({own.first, own.end})) ++n;
    return n;
  };
  const auto load = [&](int64_t n, int stage) {
    const int64_t h = kv * group + n / tiles_of_head, tile = n % tiles_of_head * kRows;
    tiles.load(block, stage, call.q, g.dy, b, h, tile, call.T - tile, call.Dh);
    const int64_t i = block.thread(), t = tile + i;
    if (i >= kRows) return;
    QuerySums query{};
    if (t < call.T) {
      const KeyRange range = call.keys_of(b, t);
      query = {sums_of(g, (b * call.H + h) * call.T + t), static_cast<int32_t>(range.begin),
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
    const SeenKeys here = seen(n);
    block.wait_for_copies();
    block.sync();
    n = next_tile(n + 1);
    if (n < group * tiles_of_head) load(n, stage ^ 1);
    const uint16_t* const queries_tile = tiles.tile(stage, 0);
    const uint16_t* const dy_tile = tiles.tile(stage, 1);
    const KeyRange mine{own.warp, own.warp + kWarpRows};
    if (own.warp >= own.end || !here.any(mine)) continue;
    const bool unrestricted = here.all(mine) && tile + kRows <= call.T && !call.has_terms();
    float scores[kRows / 8][4], dweights[kRows / 8][4];
    multiply_rows<Entry, kWidth, kRows>(block, keys, queries_tile, scores);
    multiply_rows<Entry, kWidth, kRows>(block, values, dy_tile, dweights);
    const QuerySums* const here_sums = queries + stage * kRows;
    weight_gradients(
        block, call, b, h, unrestricted, scores, dweights,
        [&](int row, int column) {
          const QuerySums& query = here_sums[column];
          return Scored{query.begin, query.end, tile + column, own.row_of(row)};
        },
        [&](int, int column) -> const RowSums& { return here_sums[column].sums; });
    add_rows<Entry, kWidth, kRows>(block, dweights, queries_tile, dk);
    add_rows<Entry, kWidth, kRows>(block, scores, dy_tile, dv);
  }
  write_rows<kWidth>(block, own, g.dk, call.Dh, {call.scale, call.scale}, dk);
  write_rows<kWidth>(block, own, g.dv, call.Dh, {1.0F, 1.0F}, dv);
}

}  // namespace zoo::cuda
