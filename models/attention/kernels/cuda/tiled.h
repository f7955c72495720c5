// cuda-tiled: tiles of keys and values in shared memory, so that the GPU's memory is read once for
// 64 queries. Each thread keeps its own query and sums.
#pragma once
#include "models/attention/kernels/cuda/blocks.h"

namespace zoo::cuda {

inline constexpr int kTileRows = 32;  ///< keys (backward: queries) in shared memory at a time

/// Copies rows first ... first + count - 1 of two tensors to shared memory, [kTileRows, Dh] each.
template <class Block>
ZOO_DEVICE void load_tiles(Block& block, const Rows<const float>& one,
                           const Rows<const float>& other, int64_t b, int64_t h, int64_t first,
                           int64_t count, int64_t Dh) {
  float* const memory = block.shared();
  block.sync();  // all threads are done with the previous tile
  for (int64_t n = block.thread(); n < count * Dh; n += block.threads()) {
    memory[n] = one.at(b, h, first + n / Dh)[n % Dh];
    memory[kTileRows * Dh + n] = other.at(b, h, first + n / Dh)[n % Dh];
  }
  block.sync();
}

/// The row of one head that a thread computes.
struct ThreadRow {
  int64_t b, h, row;
  bool valid;  ///< whether it is below the number of rows
};
template <class Block>
ZOO_DEVICE ThreadRow thread_row(Block& block, int64_t heads, int64_t length) {
  const int64_t blocks = (length + block.threads() - 1) / block.threads();
  const int64_t head = block.index() / blocks;
  const int64_t row = block.index() % blocks * block.threads() + block.thread();
  return {head / heads, head % heads, row, row < length};
}

/// Calls each(s, key, value) for the keys that the block's queries see together, tile by tile. All
/// threads load the same tiles; only those with a query call `each`.
template <class Block, class Each>
ZOO_DEVICE void for_each_key(Block& block, const KernelArgs<float>& args, int64_t b, int64_t h,
                             int64_t t, bool valid, Each each) {
  const int64_t Dh = args.Dh, first = t - block.thread(), last = first + block.threads() - 1;
  const KeyRange all{args.visible_keys(b, first).begin,
                     args.visible_keys(b, last < args.T ? last : args.T - 1).end};
  for (int64_t tile = all.begin; tile < all.end; tile += kTileRows) {
    const int64_t count = all.end - tile < kTileRows ? all.end - tile : kTileRows;
    load_tiles(block, args.k, args.v, b, args.kv_head(h), tile, count, Dh);
    const float *const keys = block.shared(), *const values = keys + kTileRows * Dh;
    for (int64_t n = 0; n < count && valid; ++n) each(tile + n, keys + n * Dh, values + n * Dh);
  }
}

/// The variant, as variants.h describes.
struct Tiled {
  static constexpr int kThreads = 64, kMinArchitecture = 0;

  static Grid grid(Pass pass, const KernelArgs<float>& args) {
    const auto [heads, length] = rows_of_pass(pass, args);
    return {heads * blocks_for(length, kThreads), kThreads, 2 * kTileRows * args.Dh};
  }

  template <class Block>
  ZOO_DEVICE static void forward(Block& block, const KernelArgs<float>& args,
                                 const KernelOutputs<float>& outputs) {
    const ThreadRow place = thread_row(block, args.H, args.T);
    const int64_t b = place.b, h = place.h, t = place.row;
    const bool valid = place.valid;
    const int64_t Dh = args.Dh;
    float q[kMaxWidth], y[kMaxWidth], row_max = kHidden, row_sum = 0;
    for (int64_t i = 0; i < Dh && valid; ++i) {
      q[i] = args.q.at(b, h, t)[i];
      y[i] = 0;
    }
    for_each_key(block, args, b, h, t, valid, [&](int64_t s, const float* k, const float* v) {
      const float score = compute_score(args, b, h, t, s, q, k);
      if (score == kHidden) return;
      if (score > row_max || score != score) {
        const float rescale = weight_of(row_max, score);
        row_sum *= rescale;
        for (int64_t i = 0; i < Dh; ++i) y[i] *= rescale;
        row_max = score;
      }
      const float weight = std::exp(score - row_max);
      row_sum += weight;
      const float used = weight * dropout_factor(args, b, h, t, s);
      for (int64_t i = 0; i < Dh; ++i) y[i] += used * v[i];
    });
    if (!valid) return;
    for (int64_t i = 0; i < Dh; ++i)
      outputs.y.at(b, h, t)[i] = row_max == kHidden ? 0.0F : y[i] / row_sum;
    store_row_stats(outputs, (b * args.H + h) * args.T + t, row_max, row_sum);
  }

  template <class Block>
  ZOO_DEVICE static void backward_queries(Block& block, const KernelArgs<float>& args,
                                          const KernelGradients<float>& g) {
    const ThreadRow place = thread_row(block, args.H, args.T);
    const int64_t b = place.b, h = place.h, t = place.row;
    const bool valid = place.valid;
    const int64_t Dh = args.Dh;
    float q[kMaxWidth], dy[kMaxWidth], dq[kMaxWidth];
    RowStats stats;
    if (valid) {
      for (int64_t i = 0; i < Dh; ++i) {
        q[i] = args.q.at(b, h, t)[i];
        dy[i] = g.dy.at(b, h, t)[i];
        dq[i] = 0;
      }
      stats = compute_row_stats(args, g, b, h, t);
    }
    for_each_key(block, args, b, h, t, valid, [&](int64_t s, const float* k, const float* v) {
      const auto d = weight_gradient(args, b, h, t, s, q, k, v, dy, stats);
      if (d.score == 0.0F) return;
      for (int64_t i = 0; i < Dh; ++i) dq[i] += d.score * k[i];
    });
    for (int64_t i = 0; i < Dh && valid; ++i) g.dq.at(b, h, t)[i] = dq[i];
  }

  template <class Block>
  ZOO_DEVICE static void backward_keys(Block& block, const KernelArgs<float>& args,
                                       const KernelGradients<float>& g) {
    const auto [b, kv, s, valid] = thread_row(block, args.Hkv, args.S);
    const int64_t Dh = args.Dh, group = args.H / args.Hkv;
    float k[kMaxWidth], v[kMaxWidth], dk[kMaxWidth], dv[kMaxWidth];
    for (int64_t i = 0; i < Dh && valid; ++i) {
      k[i] = args.k.at(b, kv, s)[i];
      v[i] = args.v.at(b, kv, s)[i];
      dk[i] = dv[i] = 0;
    }
    for (int64_t h = kv * group; h < (kv + 1) * group; ++h) {
      for (int64_t tile = 0; tile < args.T; tile += kTileRows) {
        const int64_t count = args.T - tile < kTileRows ? args.T - tile : kTileRows;
        load_tiles(block, args.q, g.dy, b, h, tile, count, Dh);
        if (!valid) continue;
        const float *const queries = block.shared(), *const upstream = queries + kTileRows * Dh;
        for (int64_t n = 0; n < count; ++n) {
          const int64_t t = tile + n;
          const float *const q = queries + n * Dh, *const dy = upstream + n * Dh;
          const auto d = weight_gradient(args, b, h, t, s, q, k, v, dy,
                                         row_stats(g, (b * args.H + h) * args.T + t));
          if (d.is_zero()) continue;
          for (int64_t i = 0; i < Dh; ++i) {
            dk[i] += d.score * q[i];
            dv[i] += d.used * dy[i];
          }
        }
      }
    }
    for (int64_t i = 0; i < Dh && valid; ++i) {
      g.dk.at(b, kv, s)[i] = dk[i];
      g.dv.at(b, kv, s)[i] = dv[i];
    }
  }
};

}  // namespace zoo::cuda
