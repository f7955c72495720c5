// cuda-tensor: the products of a tile on the GPU's tensor cores, in bfloat16 or float16 with sums
// in float32 (FlashAttention-2: Dao 2023, arXiv:2307.08691, sections 3.1 and 3.3).
//
// A tensor core multiplies pieces of matrices that the 32 threads of a warp hold together. A warp
// has 16 rows of its own (queries; for dk and dv, keys) and their sums in registers, the four warps
// of a block share tiles of the other side's rows in shared memory. A warp's scores come out in
// just the form in which the next product takes them as its left factor: they never leave the
// registers.
//
// While a tile is multiplied, the next one is on its way from the GPU's memory (copy_async): there
// are two places for each.
//
// Costs: as cuda-tiled, one read of the other side for 64 rows; the products are rounded to 16 bits
// once, when weights (backward: gradients of scores) become a factor.
#pragma once
#include "models/attention/kernels/cuda/tensor_scores.h"

namespace zoo::cuda {

template <class Entry, int kWidth, class Block>
ZOO_DEVICE void tensor_forward(Block& block, const PlainCall<float, Entry>& call,
                               const PlainResult<float, Entry>& result) {
  constexpr int kRows = kForwardRows;
  const OwnRows own = own_rows(block, call.H, call.T, /*last_first=*/true);
  const int64_t b = own.b, h = own.h, kv = call.kv_head(h);
  const TilePairs<kWidth, kRows> tiles{reinterpret_cast<uint16_t*>(block.shared())};
  const KeyRange all{call.keys_of(b, own.first).begin, call.keys_of(b, own.end - 1).end};

  // The queries pass through the second place on their way to registers.
  static_assert(kRows >= kBlockRows);
  load_tile<kWidth, kBlockRows>(block, call.q, b, h, own.first, own.end - own.first, call.Dh,
                                tiles.tile(1, 0));
  tiles.load(block, 0, call.k, call.v, b, kv, all.begin, all.end - all.begin, call.Dh);
  block.wait_for_copies();
  block.sync();
  uint32_t q[kWidth / 16][4];
  ZOO_UNROLL
  for (int step = 0; step < kWidth / 16; ++step)
    left_piece<kWidth>(block, tiles.tile(1, 0), step, q[step]);
  const auto left = [&](int step, uint32_t(&piece)[4]) {
    ZOO_UNROLL
    for (int i = 0; i < 4; ++i) piece[i] = q[step][i];
  };

  float y[kWidth / 8][4] = {}, top[2] = {kHidden, kHidden}, sum[2] = {0, 0};
  int32_t begin[2] = {}, end[2] = {};
  ZOO_UNROLL
  for (int i = 0; i < 2; ++i) {
    if (!own.has(i)) continue;
    const KeyRange keys = call.keys_of(b, own.row_of(i));
    begin[i] = static_cast<int32_t>(keys.begin), end[i] = static_cast<int32_t>(keys.end);
  }
  const KeyRange first_keys = call.keys_of(b, own.warp < call.T ? own.warp : call.T - 1);
  const KeyRange last_keys = call.keys_of(b, own.warp_last());
  const bool drops = call.dropout > 0.0;
  int stage = 0;
  for (int64_t tile = all.begin; tile < all.end; tile += kRows, stage ^= 1) {
    block.wait_for_copies();
    block.sync();  // this tile is there, and the one before is done with
    if (const int64_t next = tile + kRows; next < all.end)
      tiles.load(block, stage ^ 1, call.k, call.v, b, kv, next, all.end - next, call.Dh);
    const uint16_t* const keys_tile = tiles.tile(stage, 0);
    const uint16_t* const values_tile = tiles.tile(stage, 1);
    if (own.warp >= own.end || tile >= last_keys.end || tile + kRows <= first_keys.begin) continue;

    float scores[kRows / 8][4];
    multiply_rows<Entry, kWidth, kRows>(block, left, keys_tile, scores);
    const bool unrestricted = all_seen(call, first_keys, last_keys, {tile, tile + kRows}) &&
                              own.warp + kWarpRows <= own.end;
    const auto at = [&](int row, int column) {
      return Scored{begin[row], end[row], own.row_of(row), tile + column};
    };
    finish_scores(block, call, b, h, unrestricted, scores, at);
    float now[2] = {top[0], top[1]};
    for_each_number(block, scores,
                    [&](int row, int, float score) { now[row] = std::fmax(now[row], score); });
    float shrink[2], unit[2];
    ZOO_UNROLL
    for (int i = 0; i < 2; ++i) {
      now[i] = row_max(block, now[i]);
      unit[i] = finite_top(now[i]);
      shrink[i] = block.exp2(top[i] - unit[i]);
      sum[i] *= shrink[i];
      top[i] = now[i];
    }
    for_each_number(block, y, [&](int which, int, float& number) { number *= shrink[which]; });
    for_each_number(block, scores, [&](int row, int, float& score) {
      score = block.exp2(score - unit[row]);
      sum[row] += score;
    });
    if (drops) {
      for_each_number(block, scores, [&](int row, int column, float& score) {
        score *= dropout_factor(call, b, h, at(row, column));
      });
    }
    add_rows<Entry, kWidth, kRows>(block, scores, values_tile, y);
  }

  float inverse[2];
  ZOO_UNROLL
  for (int i = 0; i < 2; ++i) {
    sum[i] = row_sum(block, sum[i]);
    inverse[i] = sum[i] == 0.0F ? 0.0F : 1.0F / sum[i];
    if (own.has(i) && block.thread() % 4 == 0)
      keep(result, (b * call.H + h) * call.T + own.row_of(i), top[i], sum[i]);
  }
  write_rows<kWidth>(block, own, result.y, call.Dh, inverse, y);
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
  const KeyRange all{call.keys_of(b, own.first).begin, call.keys_of(b, own.end - 1).end};
  load_tile<kWidth, kBlockRows>(block, call.q, b, h, own.first, count, call.Dh, q_tile);
  load_tile<kWidth, kBlockRows>(block, g.dy, b, h, own.first, count, call.Dh, dy_tile);
  tiles.load(block, 0, call.k, call.v, b, kv, all.begin, all.end - all.begin, call.Dh);

  RowSums sums[2];
  int32_t begin[2] = {}, end[2] = {};
  ZOO_UNROLL
  for (int i = 0; i < 2; ++i) {
    float share = 0;
    if (own.has(i)) {
      const int64_t t = own.row_of(i), row = (b * call.H + h) * call.T + t;
      const KeyRange keys = call.keys_of(b, t);
      begin[i] = static_cast<int32_t>(keys.begin), end[i] = static_cast<int32_t>(keys.end);
      sums[i] = {g.tops[row], g.inverse_sums[row], 0};
      share = pull_share(block, g, b, h, t, call.Dh, static_cast<int>(block.thread() % 4), 4);
    }
    sums[i].pull = row_sum(block, share);
    if (own.has(i) && block.thread() % 4 == 0)
      g.pulls[(b * call.H + h) * call.T + own.row_of(i)] = sums[i].pull;
  }
  const KeyRange first_keys = call.keys_of(b, own.warp < call.T ? own.warp : call.T - 1);
  const KeyRange last_keys = call.keys_of(b, own.warp_last());
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
    if (own.warp >= own.end || tile >= last_keys.end || tile + kRows <= first_keys.begin) continue;
    const bool unrestricted = all_seen(call, first_keys, last_keys, {tile, tile + kRows}) &&
                              own.warp + kWarpRows <= own.end;
    float scores[kRows / 8][4], dweights[kRows / 8][4];
    multiply_rows<Entry, kWidth, kRows>(block, queries, keys_tile, scores);
    multiply_rows<Entry, kWidth, kRows>(block, upstream, values_tile, dweights);
    weight_gradients(
        block, call, b, h, unrestricted, scores, dweights,
        [&](int row, int column) {
          return Scored{begin[row], end[row], own.row_of(row), tile + column};
        },
        [&](int row, int) -> const RowSums& { return sums[row]; });
    add_rows<Entry, kWidth, kRows>(block, dweights, keys_tile, dq);
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
/// What the first and the last query of a tile see.
struct SeenKeys {
  KeyRange first, last;

  ZOO_DEVICE bool any(const KeyRange& keys) const {
    return first.begin < keys.end && keys.begin < last.end;
  }
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
    const bool unrestricted = all_seen(call, here.first, here.last, mine) && tile + kRows <= call.T;
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

/// Floats of shared memory of a block.
template <int kWidth>
constexpr int64_t tensor_shared(Pass pass) {
  constexpr int64_t kRow = kTileStep<kWidth> / 2, kRows = kBackwardRows<kWidth>;
  if (pass == Pass::kForward) return 4 * kForwardRows * kRow;
  const int64_t tiles = (2 * kBlockRows + 4 * kRows) * kRow;
  if (pass == Pass::kBackwardQueries) return tiles;
  return tiles + 2 * kRows * static_cast<int64_t>(sizeof(QuerySums) / sizeof(float));
}

template <Pass kPass, int kWidth, class Block, class Entry, class Output>
ZOO_DEVICE void tensor_pass(Block& block, const PlainCall<float, Entry>& call,
                            const Output& output) {
  if constexpr (kPass == Pass::kForward) {
    tensor_forward<Entry, kWidth>(block, call, output);
  } else if constexpr (kPass == Pass::kBackwardQueries) {
    tensor_backward_queries<Entry, kWidth>(block, call, output);
  } else {
    tensor_backward_keys<Entry, kWidth>(block, call, output);
  }
}

}  // namespace zoo::cuda
