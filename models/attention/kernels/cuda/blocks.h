// The common part of the CUDA kernels: one score, the gradient of one weight, rows and their
// numbers.
//
// The code of a block is a template over the block: nvcc compiles it for the GPU (launch.cu), and
// tests run it on the CPU with an emulated block (tests/models/attention/block_emulation.h), so
// that it is tested without a GPU. A Block has
//
//   index(), thread(), threads()  block in the grid, thread in the block, threads of a block
//   sync()                        barrier of all threads of the block
//   shared()                      shared memory, as many floats as its Grid states
//   warp_max(x), warp_sum(x)      over the 32 threads of a warp, all of which must call
//   warp_get(x, lane)             x of another thread of the warp
//
// and for the tensor cores
//
//   copy_async(to, from)          starts a copy of 16 bytes to shared memory
//   wait_for_copies()             until this thread's copies are done; then sync() for the others'
//   load_pieces(...)              loads pieces of a tile to registers: see tensor_pieces.h
//   multiply_add<Entry>(...)      multiplies two pieces: see tensor_pieces.h
//   pack<Entry>(low, high)        two numbers rounded to 16 bits, in one word
//   unpack(x)                     a number of 16 bits as a float
//   exp2(x)                       2^x; denormal results may be 0
//
// Every kernel adds in a fixed order, without atomic additions: a GPU gives the same bits on every
// run.
#pragma once
#include <cmath>
#include <cstdint>

#include "models/attention/kernels/kernel_args.h"

namespace zoo::cuda {

inline constexpr int kWarp = 32;
/// Widest head of the variants that keep a row in registers or local arrays.
inline constexpr int kMaxWidth = 128;
inline constexpr float kHidden = -std::numeric_limits<float>::infinity();

enum class Pass { kForward, kBackwardQueries, kBackwardKeys };

/// The rows over which a pass is parallel: queries; in Pass::kBackwardKeys, keys.
struct PassRows {
  int64_t heads, length;  ///< heads of the whole batch, and rows of each
};
template <class Args>
PassRows rows_of_pass(Pass pass, const Args& args) {
  if (pass == Pass::kBackwardKeys) return {args.B * args.Hkv, args.S};
  return {args.B * args.H, args.T};
}

/// How a pass is divided into blocks.
struct Grid {
  int64_t blocks = 0;
  int threads = 0;
  int64_t shared = 0;  ///< shared memory of a block, in floats
};
inline int64_t blocks_for(int64_t rows, int64_t block_rows) {
  return (rows + block_rows - 1) / block_rows;
}

/// The score of one query and one key with biases and masks; kHidden where the key is hidden.
ZOO_DEVICE inline float compute_score(const KernelArgs<float>& args, int64_t b, int64_t h,
                                      int64_t t, int64_t s, const float* q, const float* k) {
  const KeyRange visible = args.visible_keys(b, t);
  if (s < visible.begin || s >= visible.end) return kHidden;
  float score = 0;
  for (int64_t i = 0; i < args.Dh; ++i) score += q[i] * k[i];
  score *= args.scale;
  args.add_bias_and_mask(b, h, t, {s, s + 1}, 1.0F, &score);
  return score;
}

/// The dropout factor of one weight: 0, 1, or 1 / (1 - p).
template <class Args>
ZOO_DEVICE float dropout_factor(const Args& args, int64_t b, int64_t h, int64_t t, int64_t s) {
  float factor = 1;
  if (args.dropout > 0.0) args.apply_dropout(b, h, t, {s, s + 1}, &factor);
  return factor;
}

/// exp(score - row_max); 0 for a hidden score, even where row_max is kHidden, too.
ZOO_DEVICE inline float weight_of(float score, float row_max) {
  return score == kHidden ? 0.0F : std::exp(score - row_max);
}

/// Stores the softmax of a row for backward.
template <class Outputs>
ZOO_DEVICE void store_row_stats(const Outputs& outputs, int64_t row, float row_max, float row_sum) {
  if (outputs.row_max == nullptr) return;
  outputs.row_max[row] = row_sum == 0.0F ? 0.0F : row_max;
  outputs.inverse_row_sum[row] = row_sum == 0.0F ? 0.0F : 1.0F / row_sum;
}

/// What backward needs to recompute a row of weights, and delta = y dy.
struct RowStats {
  float row_max = 0, inverse_row_sum = 0, delta = 0;
};
/// For the pass of dq, which also stores delta for the pass of dk and dv.
ZOO_DEVICE inline RowStats compute_row_stats(const KernelArgs<float>& args,
                                             const KernelGradients<float>& g, int64_t b, int64_t h,
                                             int64_t t) {
  const int64_t row = (b * args.H + h) * args.T + t;
  const float *const y = g.y.at(b, h, t), *const dy = g.dy.at(b, h, t);
  RowStats stats{g.row_max[row], g.inverse_row_sum[row], 0};
  for (int64_t i = 0; i < args.Dh; ++i) stats.delta += y[i] * dy[i];
  g.delta[row] = stats.delta;
  return stats;
}
template <class Gradients>
ZOO_DEVICE RowStats row_stats(const Gradients& g, int64_t row) {
  return {g.row_max[row], g.inverse_row_sum[row], g.delta[row]};
}

/// Row n of a batch: batch index, head, and row of the head.
struct RowIndex {
  int64_t b, h, i;
};
ZOO_DEVICE inline RowIndex row_index(int64_t n, int64_t heads, int64_t length) {
  return {n / (heads * length), n / length % heads, n % length};
}

/// Whether a row is zero.
ZOO_DEVICE inline bool is_zero_row(const float* row, int64_t Dh) {
  for (int64_t i = 0; i < Dh; ++i)
    if (row[i] != 0.0F) return false;
  return true;
}

/// Backward of one weight: the gradient of its score, and the weight after dropout.
struct WeightGradient {
  float score, used;
  /// Must not be multiplied: what is hidden may hold NaN, and 0 times NaN is NaN.
  ZOO_DEVICE bool is_zero() const { return score == 0.0F && used == 0.0F; }
};
ZOO_DEVICE inline WeightGradient weight_gradient(const KernelArgs<float>& args, int64_t b,
                                                 int64_t h, int64_t t, int64_t s, const float* q,
                                                 const float* k, const float* v, const float* dy,
                                                 const RowStats& row) {
  const float weight =
      weight_of(compute_score(args, b, h, t, s, q, k), row.row_max) * row.inverse_row_sum;
  if (weight == 0.0F) return {0, 0};
  const float factor = dropout_factor(args, b, h, t, s);
  float dweight = 0;
  for (int64_t i = 0; i < args.Dh; ++i) dweight += dy[i] * v[i];
  const float score = weight * (dweight * factor - row.delta) * args.scale;
  // A padded query may hold NaN, too: without upstream gradient it adds nothing.
  if (score != score && is_zero_row(dy, args.Dh)) return {0, 0};
  return {score, weight * factor};
}

}  // namespace zoo::cuda
