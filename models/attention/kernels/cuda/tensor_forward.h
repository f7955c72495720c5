// cuda-tensor forward: 64 queries a block, their online softmax in registers.
#pragma once
#include "models/attention/kernels/cuda/tensor_scores.h"

namespace zoo::cuda {

/// A thread's numbers of a query in which NaN came, perhaps from what the query does not see: a
/// tile's product multiplies that by 0, and 0 times NaN is NaN. Again, and only what is seen.
template <class Block, class Entry, int kPieces>
ZOO_DEVICE ZOO_APART void mend_row(Block& block, const PlainCall<float, Entry>& call, int64_t b,
                                   int64_t h, int64_t t, int which, float top,
                                   float (&y)[kPieces][4]) {
  for_each_number(block, y, [&](int row, int, float& number) {
    if (row == which) number = 0;
  });
  const KeyRange keys = call.keys_of(b, t);
  for (int64_t s = keys.begin; s < keys.end; ++s) {
    const float weight = seen_weight(block, call, b, h, t, s, top);
    if (weight == 0.0F) continue;
    const float used = weight * kept(call, b, h, t, s);
    const Entry* const v = call.v.at(b, call.kv_head(h), s);
    for_each_number(block, y, [&](int row, int column, float& number) {
      if (row == which && column < call.Dh) number += used * block.unpack(v[column]);
    });
  }
}

template <class Entry, int kWidth, class Block>
ZOO_DEVICE void tensor_forward(Block& block, const PlainCall<float, Entry>& call,
                               const PlainResult<float, Entry>& result) {
  constexpr int kRows = kForwardRows;
  const OwnRows own = own_rows(block, call.H, call.T, /*last_first=*/true);
  const int64_t b = own.b, h = own.h, kv = call.kv_head(h);
  const TilePairs<kWidth, kRows> tiles{reinterpret_cast<uint16_t*>(block.shared())};
  const QueryKeys keys = query_keys(call, own);
  const KeyRange& all = keys.block;

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
  const bool drops = call.dropout > 0.0;
  int stage = 0;
  for (int64_t tile = all.begin; tile < all.end; tile += kRows, stage ^= 1) {
    block.wait_for_copies();
    block.sync();  // this tile is there, and the one before is done with
    if (const int64_t next = tile + kRows; next < all.end)
      tiles.load(block, stage ^ 1, call.k, call.v, b, kv, next, all.end - next, call.Dh);
    const uint16_t* const keys_tile = tiles.tile(stage, 0);
    const uint16_t* const values_tile = tiles.tile(stage, 1);
    const KeyRange here{tile, tile + kRows};
    if (!keys.warp.any(here)) continue;

    float scores[kRows / 8][4];
    multiply_rows<Entry, kWidth, kRows>(block, left, keys_tile, scores);
    const bool unrestricted =
        keys.warp.all(here) && own.warp + kWarpRows <= own.end && !call.has_terms();
    const auto at = [&](int row, int column) {
      return Scored{keys.begin[row], keys.end[row], own.row_of(row), tile + column};
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

  if (call.restricted()) {
    ZOO_UNROLL
    for (int i = 0; i < 2; ++i) {
      if (own.has(i) && row_has_nan(y, i)) mend_row(block, call, b, h, own.row_of(i), i, top[i], y);
    }
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

}  // namespace zoo::cuda
