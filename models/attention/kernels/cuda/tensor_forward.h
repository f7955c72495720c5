// cuda-tensor forward: 64 queries a block, their online softmax in registers.
#pragma once
#include "models/attention/kernels/cuda/tensor_scores.h"

namespace zoo::cuda {

/// Recomputes this thread's numbers of a query from visible keys alone. A product of tiles
/// multiplies hidden values by 0, and 0 times NaN is NaN.
template <class Block, class Entry, int kPieces>
ZOO_DEVICE ZOO_NOINLINE void recompute_row(Block& block, const KernelArgs<float, Entry>& args,
                                           int64_t b, int64_t h, int64_t t, int which,
                                           float row_max, float (&y)[kPieces][4]) {
  for_each_number(block, y, [&](int row, int, float& number) {
    if (row == which) number = 0;
  });
  const KeyRange keys = args.visible_keys(b, t);
  for (int64_t s = keys.begin; s < keys.end; ++s) {
    const float weight = visible_weight(block, args, b, h, t, s, row_max);
    if (weight == 0.0F) continue;
    const float used = weight * dropout_factor(args, b, h, t, s);
    const Entry* const v = args.v.at(b, args.kv_head(h), s);
    for_each_number(block, y, [&](int row, int column, float& number) {
      if (row == which && column < args.Dh) number += used * block.unpack(v[column]);
    });
  }
}

template <class Entry, int kWidth, class Block>
ZOO_DEVICE void tensor_forward(Block& block, const KernelArgs<float, Entry>& args,
                               const KernelOutputs<float, Entry>& outputs) {
  constexpr int kRows = kForwardRows;
  const OwnRows own = own_rows(block, args.H, args.T, /*last_first=*/true);
  const int64_t b = own.b, h = own.h, kv = args.kv_head(h);
  const TilePairs<kWidth, kRows> tiles{reinterpret_cast<uint16_t*>(block.shared())};
  const QueryKeys keys = query_keys(args, own);
  const KeyRange& all = keys.block;

  // The queries reach the registers through the second buffer.
  static_assert(kRows >= kBlockRows);
  load_tile<kWidth, kBlockRows>(block, args.q, b, h, own.first, own.end - own.first, args.Dh,
                                tiles.tile(1, 0));
  tiles.load(block, 0, args.k, args.v, b, kv, all.begin, all.end - all.begin, args.Dh);
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

  float y[kWidth / 8][4] = {}, row_max[2] = {kHidden, kHidden}, row_sum[2] = {0, 0};
  const bool drops = args.dropout > 0.0;
  int stage = 0;
  for (int64_t tile = all.begin; tile < all.end; tile += kRows, stage ^= 1) {
    block.wait_for_copies();
    block.sync();  // this tile has arrived, and all threads are done with the previous one
    if (const int64_t next = tile + kRows; next < all.end)
      tiles.load(block, stage ^ 1, args.k, args.v, b, kv, next, all.end - next, args.Dh);
    const uint16_t* const keys_tile = tiles.tile(stage, 0);
    const uint16_t* const values_tile = tiles.tile(stage, 1);
    const KeyRange here{tile, tile + kRows};
    if (!keys.warp.any(here)) continue;

    float scores[kRows / 8][4];
    multiply_rows<Entry, kWidth, kRows>(block, left, keys_tile, scores);
    const bool unrestricted =
        keys.warp.all(here) && own.warp + kWarpRows <= own.end && !args.has_bias_or_mask();
    const auto at = [&](int row, int column) {
      return ScorePosition{keys.begin[row], keys.end[row], own.row_of(row), tile + column};
    };
    finish_scores(block, args, b, h, unrestricted, scores, at);
    float new_max[2] = {row_max[0], row_max[1]};
    for_each_number(block, scores, [&](int row, int, float score) {
      new_max[row] = std::fmax(new_max[row], score);
    });
    float rescale[2], subtracted[2];
    ZOO_UNROLL
    for (int i = 0; i < 2; ++i) {
      new_max[i] = max_of_row(block, new_max[i]);
      subtracted[i] = finite_max(new_max[i]);
      rescale[i] = block.exp2(row_max[i] - subtracted[i]);
      row_sum[i] *= rescale[i];
      row_max[i] = new_max[i];
    }
    for_each_number(block, y, [&](int which, int, float& number) { number *= rescale[which]; });
    for_each_number(block, scores, [&](int row, int, float& score) {
      score = block.exp2(score - subtracted[row]);
      row_sum[row] += score;
    });
    if (drops) {
      for_each_number(block, scores, [&](int row, int column, float& score) {
        score *= dropout_factor(args, b, h, at(row, column));
      });
    }
    add_rows<Entry, kWidth, kRows>(block, scores, values_tile, y);
  }

  if (args.restricted()) {
    ZOO_UNROLL
    for (int i = 0; i < 2; ++i) {
      if (own.has(i) && row_has_nan(y, i))
        recompute_row(block, args, b, h, own.row_of(i), i, row_max[i], y);
    }
  }
  float inverse[2];
  ZOO_UNROLL
  for (int i = 0; i < 2; ++i) {
    row_sum[i] = sum_of_row(block, row_sum[i]);
    inverse[i] = row_sum[i] == 0.0F ? 0.0F : 1.0F / row_sum[i];
    if (own.has(i) && block.thread() % 4 == 0)
      store_row_stats(outputs, (b * args.H + h) * args.T + own.row_of(i), row_max[i], row_sum[i]);
  }
  write_rows<kWidth>(block, own, outputs.y, args.Dh, inverse, y);
}

}  // namespace zoo::cuda
