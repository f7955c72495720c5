// cuda-naive: a thread a row, and everything read from the GPU's memory each time. The first rung
// on a GPU: it is parallel, and waits for memory.
#pragma once
#include "models/attention/kernels/cuda/blocks.h"

namespace zoo::cuda {

template <class Block>
ZOO_DEVICE void naive_forward(Block& block, const PlainCall<float>& call,
                              const PlainResult<float>& result) {
  const int64_t n = block.index() * block.threads() + block.thread();
  if (n >= call.B * call.H * call.T) return;
  const auto [b, h, t] = place_of(n, call.H, call.T);
  const int64_t kv = call.kv_head(h);
  const float* const q = call.q.at(b, h, t);
  const KeyRange keys = call.keys_of(b, t);
  float top = kHidden, sum = 0;
  for (int64_t s = keys.begin; s < keys.end; ++s) {
    const float score = find_score(call, b, h, t, s, q, call.k.at(b, kv, s));
    if (score == kHidden) continue;
    const float now = score > top || score != score ? score : top;
    sum = sum * weight_of(top, now) + std::exp(score - now);
    top = now;
  }
  float* const y = result.y.at(b, h, t);
  for (int64_t i = 0; i < call.Dh; ++i) y[i] = 0;
  for (int64_t s = keys.begin; s < keys.end; ++s) {
    const float score = find_score(call, b, h, t, s, q, call.k.at(b, kv, s));
    const float weight = weight_of(score, top);
    if (weight == 0.0F) continue;
    const float used = weight / sum * kept(call, b, h, t, s);
    const float* const v = call.v.at(b, kv, s);
    for (int64_t i = 0; i < call.Dh; ++i) y[i] += used * v[i];
  }
  keep(result, n, top, sum);
}

template <class Block>
ZOO_DEVICE void naive_backward_queries(Block& block, const PlainCall<float>& call,
                                       const PlainGradients<float>& g) {
  const int64_t n = block.index() * block.threads() + block.thread();
  if (n >= call.B * call.H * call.T) return;
  const auto [b, h, t] = place_of(n, call.H, call.T);
  const int64_t kv = call.kv_head(h);
  const RowSums sums = find_sums(call, g, b, h, t);
  float* const dq = g.dq.at(b, h, t);
  for (int64_t i = 0; i < call.Dh; ++i) dq[i] = 0;
  const KeyRange keys = call.keys_of(b, t);
  for (int64_t s = keys.begin; s < keys.end; ++s) {
    const float* const k = call.k.at(b, kv, s);
    const auto d = weight_gradient(call, b, h, t, s, call.q.at(b, h, t), k, call.v.at(b, kv, s),
                                   g.dy.at(b, h, t), sums);
    if (d.score == 0.0F) continue;
    for (int64_t i = 0; i < call.Dh; ++i) dq[i] += d.score * k[i];
  }
}

template <class Block>
ZOO_DEVICE void naive_backward_keys(Block& block, const PlainCall<float>& call,
                                    const PlainGradients<float>& g) {
  const int64_t n = block.index() * block.threads() + block.thread();
  if (n >= call.B * call.Hkv * call.S) return;
  const auto [b, kv, s] = place_of(n, call.Hkv, call.S);
  float *const dk = g.dk.at(b, kv, s), *const dv = g.dv.at(b, kv, s);
  for (int64_t i = 0; i < call.Dh; ++i) dk[i] = dv[i] = 0;
  const int64_t group = call.H / call.Hkv;
  for (int64_t h = kv * group; h < (kv + 1) * group; ++h) {
    for (int64_t t = 0; t < call.T; ++t) {
      const float *const q = call.q.at(b, h, t), *const dy = g.dy.at(b, h, t);
      const auto d = weight_gradient(call, b, h, t, s, q, call.k.at(b, kv, s), call.v.at(b, kv, s),
                                     dy, sums_of(g, (b * call.H + h) * call.T + t));
      if (d.seen()) {
        for (int64_t i = 0; i < call.Dh; ++i) {
          dk[i] += d.score * q[i];
          dv[i] += d.used * dy[i];
        }
      }
    }
  }
}

}  // namespace zoo::cuda
