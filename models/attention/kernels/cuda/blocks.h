// What a block of threads does in each CUDA rung, forward and backward.
//
// Written once, for two kinds of block: nvcc compiles it for the GPU (launch.cu), and the tests
// run it on the CPU with an emulated block (tests/models/block_emulation.h), so that the logic is
// tested where there is no GPU. A Block has
//   index(), thread(), threads()   this block's place in the grid, this thread's in the block
//   sync()                         barrier of all threads of the block
//   shared()                       memory that the block's threads share, as many floats as asked
//   for warp_max(x), warp_sum(x)       over the 32 threads of a warp, all of which must call
//   warp_get(x, lane)              x of another thread of the warp
//
// Every rung computes the same sums in an order of its own that does not depend on the GPU: no
// atomic additions, equal numbers on every run.
#pragma once
#include <cmath>
#include <cstdint>

#include "models/attention/kernels/plain_call.h"

namespace zoo::cuda {

inline constexpr int kWarp = 32;
/// Widest head that rungs with a thread's own row of numbers take.
inline constexpr int kMostWidth = 128;
inline constexpr float kHidden = -std::numeric_limits<float>::infinity();

/// The score of one query and one key, biases and masks included; kHidden where not seen.
ZOO_DEVICE inline float find_score(const PlainCall<float>& call, int64_t b, int64_t h, int64_t t,
                                   int64_t s, const float* q, const float* k) {
  const KeyRange seen = call.keys_of(b, t);
  if (s < seen.begin || s >= seen.end) return kHidden;
  float score = 0;
  for (int64_t i = 0; i < call.Dh; ++i) score += q[i] * k[i];
  score *= call.scale;
  call.add_terms(b, h, t, {s, s + 1}, 1.0F, &score);
  return score;
}

/// Dropout's factor of one weight.
ZOO_DEVICE inline float kept(const PlainCall<float>& call, int64_t b, int64_t h, int64_t t,
                             int64_t s) {
  float factor = 1;
  if (call.dropout > 0.0) call.drop(b, h, t, {s, s + 1}, &factor);
  return factor;
}

/// exp(score - top) where a query may have seen nothing yet: top is kHidden, and so is the score.
ZOO_DEVICE inline float weight_of(float score, float top) {
  return score == kHidden ? 0.0F : std::exp(score - top);
}

/// For backward: what PlainResult wants of a row.
ZOO_DEVICE inline void keep(const PlainResult<float>& result, int64_t row, float top, float sum) {
  if (result.tops == nullptr) return;
  result.tops[row] = sum == 0.0F ? 0.0F : top;
  result.inverse_sums[row] = sum == 0.0F ? 0.0F : 1.0F / sum;
}

/// What a row of weights is formed again from; and y dy, by which its softmax pulls all its scores
/// back.
struct RowSums {
  float top = 0, inverse_sum = 0, pull = 0;
};
ZOO_DEVICE inline RowSums sums_of(const PlainCall<float>& call, const PlainGradients<float>& g,
                                  int64_t b, int64_t h, int64_t t) {
  const int64_t row = (b * call.H + h) * call.T + t;
  const float *const y = g.y.at(b, h, t), *const dy = g.dy.at(b, h, t);
  RowSums sums{g.tops[row], g.inverse_sums[row], 0};
  for (int64_t i = 0; i < call.Dh; ++i) sums.pull += y[i] * dy[i];
  return sums;
}

/// A query or key of a whole batch by its number.
struct Place {
  int64_t b, h, i;
};
ZOO_DEVICE inline Place place_of(int64_t n, int64_t heads, int64_t length) {
  return {n / (heads * length), n / length % heads, n % length};
}

// ---- naive: a thread a row, everything read from the GPU's memory each time
// -----------------------

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

/// One weight backward: what reaches its score, and the weight after dropout.
struct WeightGradient {
  float score, used;
};
ZOO_DEVICE inline WeightGradient weight_gradient(const PlainCall<float>& call, int64_t b, int64_t h,
                                                 int64_t t, int64_t s, const float* q,
                                                 const float* k, const float* v, const float* dy,
                                                 const RowSums& row) {
  const float weight = weight_of(find_score(call, b, h, t, s, q, k), row.top) * row.inverse_sum;
  if (weight == 0.0F) return {0, 0};
  const float factor = kept(call, b, h, t, s);
  float dweight = 0;
  for (int64_t i = 0; i < call.Dh; ++i) dweight += dy[i] * v[i];
  return {weight * (dweight * factor - row.pull) * call.scale, weight * factor};
}

template <class Block>
ZOO_DEVICE void naive_backward_queries(Block& block, const PlainCall<float>& call,
                                       const PlainGradients<float>& g) {
  const int64_t n = block.index() * block.threads() + block.thread();
  if (n >= call.B * call.H * call.T) return;
  const auto [b, h, t] = place_of(n, call.H, call.T);
  const int64_t kv = call.kv_head(h);
  const RowSums sums = sums_of(call, g, b, h, t);
  float* const dq = g.dq.at(b, h, t);
  for (int64_t i = 0; i < call.Dh; ++i) dq[i] = 0;
  const KeyRange keys = call.keys_of(b, t);
  for (int64_t s = keys.begin; s < keys.end; ++s) {
    const float* const k = call.k.at(b, kv, s);
    const auto d = weight_gradient(call, b, h, t, s, call.q.at(b, h, t), k, call.v.at(b, kv, s),
                                   g.dy.at(b, h, t), sums);
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
                                     dy, sums_of(call, g, b, h, t));
      for (int64_t i = 0; i < call.Dh; ++i) {
        dk[i] += d.score * q[i];
        dv[i] += d.used * dy[i];
      }
    }
  }
}

// ---- tiled: tiles of keys and values in shared memory, a query in a thread's own numbers
// ----------

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

template <class Block>
ZOO_DEVICE void tiled_forward(Block& block, const PlainCall<float>& call,
                              const PlainResult<float>& result) {
  const auto [b, h, t, mine] = block_rows(block, call.H, call.T);
  const int64_t Dh = call.Dh, kv = call.kv_head(h);
  float q[kMostWidth], y[kMostWidth], top = kHidden, sum = 0;
  for (int64_t i = 0; i < Dh && mine; ++i) {
    q[i] = call.q.at(b, h, t)[i];
    y[i] = 0;
  }
  // What the block's queries see together; every thread goes through the same tiles.
  const int64_t first = t - block.thread(), last = first + block.threads() - 1;
  const KeyRange all{call.keys_of(b, first).begin,
                     call.keys_of(b, last < call.T ? last : call.T - 1).end};
  for (int64_t tile = all.begin; tile < all.end; tile += kTileRows) {
    const int64_t count = all.end - tile < kTileRows ? all.end - tile : kTileRows;
    load_tiles(block, call.k, call.v, b, kv, tile, count, Dh);
    if (!mine) continue;
    const float *const keys = block.shared(), *const values = keys + kTileRows * Dh;
    for (int64_t n = 0; n < count; ++n) {
      const float score = find_score(call, b, h, t, tile + n, q, keys + n * Dh);
      if (score == kHidden) continue;
      if (score > top || score != score) {
        const float shrink = weight_of(top, score);
        sum *= shrink;
        for (int64_t i = 0; i < Dh; ++i) y[i] *= shrink;
        top = score;
      }
      const float weight = std::exp(score - top);
      sum += weight;
      const float used = weight * kept(call, b, h, t, tile + n);
      for (int64_t i = 0; i < Dh; ++i) y[i] += used * values[n * Dh + i];
    }
  }
  if (!mine) return;
  for (int64_t i = 0; i < Dh; ++i) result.y.at(b, h, t)[i] = top == kHidden ? 0.0F : y[i] / sum;
  keep(result, (b * call.H + h) * call.T + t, top, sum);
}

template <class Block>
ZOO_DEVICE void tiled_backward_queries(Block& block, const PlainCall<float>& call,
                                       const PlainGradients<float>& g) {
  const auto [b, h, t, mine] = block_rows(block, call.H, call.T);
  const int64_t Dh = call.Dh, kv = call.kv_head(h);
  float q[kMostWidth], dy[kMostWidth], dq[kMostWidth];
  RowSums sums;
  if (mine) {
    for (int64_t i = 0; i < Dh; ++i) {
      q[i] = call.q.at(b, h, t)[i];
      dy[i] = g.dy.at(b, h, t)[i];
      dq[i] = 0;
    }
    sums = sums_of(call, g, b, h, t);
  }
  const int64_t first = t - block.thread(), last = first + block.threads() - 1;
  const KeyRange all{call.keys_of(b, first).begin,
                     call.keys_of(b, last < call.T ? last : call.T - 1).end};
  for (int64_t tile = all.begin; tile < all.end; tile += kTileRows) {
    const int64_t count = all.end - tile < kTileRows ? all.end - tile : kTileRows;
    load_tiles(block, call.k, call.v, b, kv, tile, count, Dh);
    if (!mine) continue;
    const float *const keys = block.shared(), *const values = keys + kTileRows * Dh;
    for (int64_t n = 0; n < count; ++n) {
      const float* const k = keys + n * Dh;
      const auto d = weight_gradient(call, b, h, t, tile + n, q, k, values + n * Dh, dy, sums);
      for (int64_t i = 0; i < Dh; ++i) dq[i] += d.score * k[i];
    }
  }
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
        const auto d = weight_gradient(call, b, h, t, s, q, k, v, dy, sums_of(call, g, b, h, t));
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

// ---- warps: 32 threads share a row: a lane is a key for the scores, a column for the values
// ---------

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
  const RowSums sums = sums_of(call, g, b, h, t);
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
                            call.v.at(b, kv, s), g.dy.at(b, h, t), sums_of(call, g, b, h, t));
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
