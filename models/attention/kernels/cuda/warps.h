// cuda-warps: 32 threads share a row. For scores a lane has a key, for values a column; the maximum
// and the sum of the online softmax are reductions across the lanes.
#pragma once
#include "models/attention/kernels/cuda/blocks.h"

namespace zoo::cuda {

/// Columns of a row that belong to one lane: lane, lane + 32, ...
inline constexpr int kMaxColumns = kMaxWidth / kWarp;

/// sum += Σ_n weight_n row_{first + n} for this lane's columns, where lane n holds weight_n.
template <class Block>
ZOO_DEVICE void add_rows_by_lanes(Block& block, float weight, const Rows<const float>& rows,
                                  int64_t b, int64_t h, int64_t first, int64_t count, int64_t Dh,
                                  float* sum) {
  const int lane = static_cast<int>(block.thread() % kWarp);
  const int rows_here = static_cast<int>(count < kWarp ? count : kWarp);  // the same in all lanes
  for (int n = 0; n < rows_here; ++n) {
    const float of_row = block.warp_get(weight, n);
    if (of_row == 0.0F) continue;
    const float* const row = rows.at(b, h, first + n);
    for (int64_t i = lane, column = 0; i < Dh; i += kWarp, ++column) sum[column] += of_row * row[i];
  }
}

/// The row of this thread's warp.
template <class Block>
ZOO_DEVICE int64_t warp_row(Block& block) {
  return (block.index() * block.threads() + block.thread()) / kWarp;
}

/// The variant, as variants.h describes.
struct Warps {
  static constexpr int kThreads = 4 * kWarp, kMinArchitecture = 0;

  static Grid grid(Pass pass, const KernelArgs<float>& args) {
    const auto [heads, length] = rows_of_pass(pass, args);
    return {blocks_for(heads * length, kThreads / kWarp), kThreads, 0};
  }

  template <class Block>
  ZOO_DEVICE static void forward(Block& block, const KernelArgs<float>& args,
                                 const KernelOutputs<float>& outputs) {
    const int64_t row = warp_row(block);
    if (row >= args.B * args.H * args.T) return;  // the same in all threads of a warp
    const int lane = static_cast<int>(block.thread() % kWarp);
    const auto [b, h, t] = row_index(row, args.H, args.T);
    const int64_t kv = args.kv_head(h);
    const KeyRange keys = args.visible_keys(b, t);
    float y[kMaxColumns] = {}, row_max = kHidden, row_sum = 0;
    for (int64_t first = keys.begin; first < keys.end; first += kWarp) {
      const int64_t s = first + lane;
      const float score =
          s < keys.end ? compute_score(args, b, h, t, s, args.q.at(b, h, t), args.k.at(b, kv, s))
                       : kHidden;
      const float largest = block.warp_max(score);
      const float new_max = largest > row_max || largest != largest ? largest : row_max;
      const float rescale = row_max == kHidden ? 0.0F : std::exp(row_max - new_max);
      float weight = weight_of(score, new_max);
      row_sum = row_sum * rescale + block.warp_sum(weight);
      row_max = new_max;
      for (float& column : y) column *= rescale;
      if (weight != 0.0F) weight *= dropout_factor(args, b, h, t, s);
      add_rows_by_lanes(block, weight, args.v, b, kv, first, keys.end - first, args.Dh, y);
    }
    for (int64_t i = lane, column = 0; i < args.Dh; i += kWarp, ++column)
      outputs.y.at(b, h, t)[i] = row_sum == 0.0F ? 0.0F : y[column] / row_sum;
    if (lane == 0) store_row_stats(outputs, row, row_max, row_sum);
  }

  template <class Block>
  ZOO_DEVICE static void backward_queries(Block& block, const KernelArgs<float>& args,
                                          const KernelGradients<float>& g) {
    const int64_t row = warp_row(block);
    if (row >= args.B * args.H * args.T) return;
    const int lane = static_cast<int>(block.thread() % kWarp);
    const auto [b, h, t] = row_index(row, args.H, args.T);
    const int64_t kv = args.kv_head(h);
    const KeyRange keys = args.visible_keys(b, t);
    const RowStats stats = compute_row_stats(args, g, b, h, t);
    float dq[kMaxColumns] = {};
    for (int64_t first = keys.begin; first < keys.end; first += kWarp) {
      const int64_t s = first + lane;
      WeightGradient d{0, 0};
      if (s < keys.end) {
        d = weight_gradient(args, b, h, t, s, args.q.at(b, h, t), args.k.at(b, kv, s),
                            args.v.at(b, kv, s), g.dy.at(b, h, t), stats);
      }
      add_rows_by_lanes(block, d.score, args.k, b, kv, first, keys.end - first, args.Dh, dq);
    }
    for (int64_t i = lane, column = 0; i < args.Dh; i += kWarp, ++column)
      g.dq.at(b, h, t)[i] = dq[column];
  }

  template <class Block>
  ZOO_DEVICE static void backward_keys(Block& block, const KernelArgs<float>& args,
                                       const KernelGradients<float>& g) {
    const int64_t row = warp_row(block);
    if (row >= args.B * args.Hkv * args.S) return;
    const int lane = static_cast<int>(block.thread() % kWarp);
    const auto [b, kv, s] = row_index(row, args.Hkv, args.S);
    const int64_t group = args.H / args.Hkv;
    float dk[kMaxColumns] = {}, dv[kMaxColumns] = {};
    for (int64_t h = kv * group; h < (kv + 1) * group; ++h) {
      for (int64_t first = 0; first < args.T; first += kWarp) {
        const int64_t t = first + lane;
        WeightGradient d{0, 0};
        if (t < args.T) {
          d = weight_gradient(args, b, h, t, s, args.q.at(b, h, t), args.k.at(b, kv, s),
                              args.v.at(b, kv, s), g.dy.at(b, h, t),
                              row_stats(g, (b * args.H + h) * args.T + t));
        }
        add_rows_by_lanes(block, d.score, args.q, b, h, first, args.T - first, args.Dh, dk);
        add_rows_by_lanes(block, d.used, g.dy, b, h, first, args.T - first, args.Dh, dv);
      }
    }
    for (int64_t i = lane, column = 0; i < args.Dh; i += kWarp, ++column) {
      g.dk.at(b, kv, s)[i] = dk[column];
      g.dv.at(b, kv, s)[i] = dv[column];
    }
  }
};

}  // namespace zoo::cuda
