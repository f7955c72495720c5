// cuda-warps: 32 threads share a row. A lane is a key for the scores, and a column for the values;
// the maximum and the sum of the online softmax go across the lanes.
#pragma once
#include "models/attention/kernels/cuda/blocks.h"

namespace zoo::cuda {

/// Columns of a row that one lane has: lane, lane + 32, ...
inline constexpr int kMostColumns = kMostWidth / kWarp;

/// sum += weight (of each lane's row, from `rows` on) * row, for this lane's columns.
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

template <class Block>
ZOO_DEVICE void warps_forward(Block& block, const PlainCall<float>& call,
                              const PlainResult<float>& result) {
  const int64_t row = warp_row(block);
  if (row >= call.B * call.H * call.T) return;  // a whole warp leaves together
  const int lane = static_cast<int>(block.thread() % kWarp);
  const auto [b, h, t] = place_of(row, call.H, call.T);
  const int64_t kv = call.kv_head(h);
  const KeyRange keys = call.keys_of(b, t);
  float y[kMostColumns] = {}, top = kHidden, sum = 0;
  for (int64_t first = keys.begin; first < keys.end; first += kWarp) {
    const int64_t s = first + lane;
    const float score = s < keys.end
                            ? find_score(call, b, h, t, s, call.q.at(b, h, t), call.k.at(b, kv, s))
                            : kHidden;
    const float largest = block.warp_max(score);
    const float now = largest > top || largest != largest ? largest : top;
    const float shrink = top == kHidden ? 0.0F : std::exp(top - now);
    float weight = weight_of(score, now);
    sum = sum * shrink + block.warp_sum(weight);
    top = now;
    for (float& column : y) column *= shrink;
    if (weight != 0.0F) weight *= kept(call, b, h, t, s);
    add_rows_by_lanes(block, weight, call.v, b, kv, first, keys.end - first, call.Dh, y);
  }
  for (int64_t i = lane, column = 0; i < call.Dh; i += kWarp, ++column)
    result.y.at(b, h, t)[i] = sum == 0.0F ? 0.0F : y[column] / sum;
  if (lane == 0) keep(result, row, top, sum);
}

template <class Block>
ZOO_DEVICE void warps_backward_queries(Block& block, const PlainCall<float>& call,
                                       const PlainGradients<float>& g) {
  const int64_t row = warp_row(block);
  if (row >= call.B * call.H * call.T) return;
  const int lane = static_cast<int>(block.thread() % kWarp);
  const auto [b, h, t] = place_of(row, call.H, call.T);
  const int64_t kv = call.kv_head(h);
  const KeyRange keys = call.keys_of(b, t);
  const RowSums sums = find_sums(call, g, b, h, t);
  float dq[kMostColumns] = {};
  for (int64_t first = keys.begin; first < keys.end; first += kWarp) {
    const int64_t s = first + lane;
    WeightGradient d{0, 0};
    if (s < keys.end) {
      d = weight_gradient(call, b, h, t, s, call.q.at(b, h, t), call.k.at(b, kv, s),
                          call.v.at(b, kv, s), g.dy.at(b, h, t), sums);
    }
    add_rows_by_lanes(block, d.score, call.k, b, kv, first, keys.end - first, call.Dh, dq);
  }
  for (int64_t i = lane, column = 0; i < call.Dh; i += kWarp, ++column)
    g.dq.at(b, h, t)[i] = dq[column];
}

template <class Block>
ZOO_DEVICE void warps_backward_keys(Block& block, const PlainCall<float>& call,
                                    const PlainGradients<float>& g) {
  const int64_t row = warp_row(block);
  if (row >= call.B * call.Hkv * call.S) return;
  const int lane = static_cast<int>(block.thread() % kWarp);
  const auto [b, kv, s] = place_of(row, call.Hkv, call.S);
  const int64_t group = call.H / call.Hkv;
  float dk[kMostColumns] = {}, dv[kMostColumns] = {};
  for (int64_t h = kv * group; h < (kv + 1) * group; ++h) {
    for (int64_t first = 0; first < call.T; first += kWarp) {
      const int64_t t = first + lane;
      WeightGradient d{0, 0};
      if (t < call.T) {
        d = weight_gradient(call, b, h, t, s, call.q.at(b, h, t), call.k.at(b, kv, s),
                            call.v.at(b, kv, s), g.dy.at(b, h, t),
                            sums_of(g, (b * call.H + h) * call.T + t));
      }
      add_rows_by_lanes(block, d.score, call.q, b, h, first, call.T - first, call.Dh, dk);
      add_rows_by_lanes(block, d.used, g.dy, b, h, first, call.T - first, call.Dh, dv);
    }
  }
  for (int64_t i = lane, column = 0; i < call.Dh; i += kWarp, ++column) {
    g.dk.at(b, kv, s)[i] = dk[column];
    g.dv.at(b, kv, s)[i] = dv[column];
  }
}

}  // namespace zoo::cuda
