// cuda-tiled: tiles of keys and values in the memory that a block's threads share, so that the
// GPU's own is read once for 64 queries; a thread keeps its query and its sums in numbers of its
// own.
#pragma once
#include "models/attention/kernels/cuda/blocks.h"

namespace zoo::cuda {

inline constexpr int kTileRows = 32;  ///< keys (backward: queries) in shared memory at a time

/// Rows first ... first + count - 1 of two tensors into shared memory, [kTileRows, Dh] each.
template <class Block>
ZOO_DEVICE void load_tiles(Block& block, const Rows<const float>& one,
                           const Rows<const float>& other, int64_t b, int64_t h, int64_t first,
                           int64_t count, int64_t Dh) {
  float* const memory = block.shared();
  block.sync();  // the tile before is done with
  for (int64_t n = block.thread(); n < count * Dh; n += block.threads()) {
    memory[n] = one.at(b, h, first + n / Dh)[n % Dh];
    memory[kTileRows * Dh + n] = other.at(b, h, first + n / Dh)[n % Dh];
  }
  block.sync();
}
ZOO_DEVICE inline int64_t tiled_shared(int64_t Dh) { return 2 * kTileRows * Dh; }

/// A block's rows of one head: those of its threads.
struct BlockRows {
  int64_t b, h, row;
  bool mine;  ///< whether this thread has a row
};
template <class Block>
ZOO_DEVICE BlockRows block_rows(Block& block, int64_t heads, int64_t length) {
  const int64_t blocks = (length + block.threads() - 1) / block.threads();
  const int64_t head = block.index() / blocks;
  const int64_t row = block.index() % blocks * block.threads() + block.thread();
  return {head / heads, head % heads, row, row < length};
}

/// Calls each(s, key, value) for the keys that the block's queries see together, tile by tile;
/// every thread goes through the same tiles, and those with a query call.
template <class Block, class Each>
ZOO_DEVICE void for_each_key(Block& block, const PlainCall<float>& call, int64_t b, int64_t h,
                             int64_t t, bool mine, Each each) {
  const int64_t Dh = call.Dh, first = t - block.thread(), last = first + block.threads() - 1;
  const KeyRange all{call.keys_of(b, first).begin,
                     call.keys_of(b, last < call.T ? last : call.T - 1).end};
  for (int64_t tile = all.begin; tile < all.end; tile += kTileRows) {
    const int64_t count = all.end - tile < kTileRows ? all.end - tile : kTileRows;
    load_tiles(block, call.k, call.v, b, call.kv_head(h), tile, count, Dh);
    const float *const keys = block.shared(), *const values = keys + kTileRows * Dh;
    for (int64_t n = 0; n < count && mine; ++n) each(tile + n, keys + n * Dh, values + n * Dh);
  }
}

template <class Block>
ZOO_DEVICE void tiled_forward(Block& block, const PlainCall<float>& call,
                              const PlainResult<float>& result) {
  const BlockRows place = block_rows(block, call.H, call.T);
  const int64_t b = place.b, h = place.h, t = place.row;
  const bool mine = place.mine;
  const int64_t Dh = call.Dh;
  float q[kMostWidth], y[kMostWidth], top = kHidden, sum = 0;
  for (int64_t i = 0; i < Dh && mine; ++i) {
    q[i] = call.q.at(b, h, t)[i];
    y[i] = 0;
  }
  for_each_key(block, call, b, h, t, mine, [&](int64_t s, const float* k, const float* v) {
    const float score = find_score(call, b, h, t, s, q, k);
    if (score == kHidden) return;
    if (score > top || score != score) {
      const float shrink = weight_of(top, score);
      sum *= shrink;
      for (int64_t i = 0; i < Dh; ++i) y[i] *= shrink;
      top = score;
    }
    const float weight = std::exp(score - top);
    sum += weight;
    const float used = weight * kept(call, b, h, t, s);
    for (int64_t i = 0; i < Dh; ++i) y[i] += used * v[i];
  });
  if (!mine) return;
  for (int64_t i = 0; i < Dh; ++i) result.y.at(b, h, t)[i] = top == kHidden ? 0.0F : y[i] / sum;
  keep(result, (b * call.H + h) * call.T + t, top, sum);
}

template <class Block>
ZOO_DEVICE void tiled_backward_queries(Block& block, const PlainCall<float>& call,
                                       const PlainGradients<float>& g) {
  const BlockRows place = block_rows(block, call.H, call.T);
  const int64_t b = place.b, h = place.h, t = place.row;
  const bool mine = place.mine;
  const int64_t Dh = call.Dh;
  float q[kMostWidth], dy[kMostWidth], dq[kMostWidth];
  RowSums sums;
  if (mine) {
    for (int64_t i = 0; i < Dh; ++i) {
      q[i] = call.q.at(b, h, t)[i];
      dy[i] = g.dy.at(b, h, t)[i];
      dq[i] = 0;
    }
    sums = find_sums(call, g, b, h, t);
  }
  for_each_key(block, call, b, h, t, mine, [&](int64_t s, const float* k, const float* v) {
    const auto d = weight_gradient(call, b, h, t, s, q, k, v, dy, sums);
    if (d.score == 0.0F) return;
    for (int64_t i = 0; i < Dh; ++i) dq[i] += d.score * k[i];
  });
  for (int64_t i = 0; i < Dh && mine; ++i) g.dq.at(b, h, t)[i] = dq[i];
}

template <class Block>
ZOO_DEVICE void tiled_backward_keys(Block& block, const PlainCall<float>& call,
                                    const PlainGradients<float>& g) {
  const auto [b, kv, s, mine] = block_rows(block, call.Hkv, call.S);
  const int64_t Dh = call.Dh, group = call.H / call.Hkv;
  float k[kMostWidth], v[kMostWidth], dk[kMostWidth], dv[kMostWidth];
  for (int64_t i = 0; i < Dh && mine; ++i) {
    k[i] = call.k.at(b, kv, s)[i];
    v[i] = call.v.at(b, kv, s)[i];
    dk[i] = dv[i] = 0;
  }
  for (int64_t h = kv * group; h < (kv + 1) * group; ++h) {
    for (int64_t tile = 0; tile < call.T; tile += kTileRows) {
      const int64_t count = call.T - tile < kTileRows ? call.T - tile : kTileRows;
      load_tiles(block, call.q, g.dy, b, h, tile, count, Dh);
      if (!mine) continue;
      const float *const queries = block.shared(), *const upstream = queries + kTileRows * Dh;
      for (int64_t n = 0; n < count; ++n) {
        const int64_t t = tile + n;
        const float *const q = queries + n * Dh, *const dy = upstream + n * Dh;
        const auto d = weight_gradient(call, b, h, t, s, q, k, v, dy,
                                       sums_of(g, (b * call.H + h) * call.T + t));
        if (!d.seen()) continue;
        for (int64_t i = 0; i < Dh; ++i) {
          dk[i] += d.score * q[i];
          dv[i] += d.used * dy[i];
        }
      }
    }
  }
  for (int64_t i = 0; i < Dh && mine; ++i) {
    g.dk.at(b, kv, s)[i] = dk[i];
    g.dv.at(b, kv, s)[i] = dv[i];
  }
}

}  // namespace zoo::cuda
