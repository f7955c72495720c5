// cuda-naive: one thread a row, and every number read from the GPU's memory each time. Parallel,
// but bound by memory.
#pragma once
#include "models/attention/kernels/cuda/blocks.h"

namespace zoo::cuda {

/// The variant, as variants.h describes.
struct Naive {
  static constexpr int kThreads = 128, kMinArchitecture = 0;

  static Grid grid(Pass pass, const KernelArgs<float>& args) {
    const auto [heads, length] = rows_of_pass(pass, args);
    return {blocks_for(heads * length, kThreads), kThreads, 0};
  }

  template <class Block>
  ZOO_DEVICE static void forward(Block& block, const KernelArgs<float>& args,
                                 const KernelOutputs<float>& outputs) {
    const int64_t n = block.index() * block.threads() + block.thread();
    if (n >= args.B * args.H * args.T) return;
    const auto [b, h, t] = row_index(n, args.H, args.T);
    const int64_t kv = args.kv_head(h);
    const float* const q = args.q.at(b, h, t);
    const KeyRange keys = args.visible_keys(b, t);
    float row_max = kHidden, row_sum = 0;
    for (int64_t s = keys.begin; s < keys.end; ++s) {
      const float score = compute_score(args, b, h, t, s, q, args.k.at(b, kv, s));
      if (score == kHidden) continue;
      const float new_max = score > row_max || score != score ? score : row_max;
      row_sum = row_sum * weight_of(row_max, new_max) + std::exp(score - new_max);
      row_max = new_max;
    }
    float* const y = outputs.y.at(b, h, t);
    for (int64_t i = 0; i < args.Dh; ++i) y[i] = 0;
    for (int64_t s = keys.begin; s < keys.end; ++s) {
      const float score = compute_score(args, b, h, t, s, q, args.k.at(b, kv, s));
      const float weight = weight_of(score, row_max);
      if (weight == 0.0F) continue;
      const float used = weight / row_sum * dropout_factor(args, b, h, t, s);
      const float* const v = args.v.at(b, kv, s);
      for (int64_t i = 0; i < args.Dh; ++i) y[i] += used * v[i];
    }
    store_row_stats(outputs, n, row_max, row_sum);
  }

  template <class Block>
  ZOO_DEVICE static void backward_queries(Block& block, const KernelArgs<float>& args,
                                          const KernelGradients<float>& g) {
    const int64_t n = block.index() * block.threads() + block.thread();
    if (n >= args.B * args.H * args.T) return;
    const auto [b, h, t] = row_index(n, args.H, args.T);
    const int64_t kv = args.kv_head(h);
    const RowStats stats = compute_row_stats(args, g, b, h, t);
    float* const dq = g.dq.at(b, h, t);
    for (int64_t i = 0; i < args.Dh; ++i) dq[i] = 0;
    const KeyRange keys = args.visible_keys(b, t);
    for (int64_t s = keys.begin; s < keys.end; ++s) {
      const float* const k = args.k.at(b, kv, s);
      const auto d = weight_gradient(args, b, h, t, s, args.q.at(b, h, t), k, args.v.at(b, kv, s),
                                     g.dy.at(b, h, t), stats);
      if (d.score == 0.0F) continue;
      for (int64_t i = 0; i < args.Dh; ++i) dq[i] += d.score * k[i];
    }
  }

  template <class Block>
  ZOO_DEVICE static void backward_keys(Block& block, const KernelArgs<float>& args,
                                       const KernelGradients<float>& g) {
    const int64_t n = block.index() * block.threads() + block.thread();
    if (n >= args.B * args.Hkv * args.S) return;
    const auto [b, kv, s] = row_index(n, args.Hkv, args.S);
    float *const dk = g.dk.at(b, kv, s), *const dv = g.dv.at(b, kv, s);
    for (int64_t i = 0; i < args.Dh; ++i) dk[i] = dv[i] = 0;
    const int64_t group = args.H / args.Hkv;
    for (int64_t h = kv * group; h < (kv + 1) * group; ++h) {
      for (int64_t t = 0; t < args.T; ++t) {
        const float *const q = args.q.at(b, h, t), *const dy = g.dy.at(b, h, t);
        const auto d =
            weight_gradient(args, b, h, t, s, q, args.k.at(b, kv, s), args.v.at(b, kv, s), dy,
                            row_stats(g, (b * args.H + h) * args.T + t));
        if (!d.is_zero()) {
          for (int64_t i = 0; i < args.Dh; ++i) {
            dk[i] += d.score * q[i];
            dv[i] += d.used * dy[i];
          }
        }
      }
    }
  }
};

}  // namespace zoo::cuda
