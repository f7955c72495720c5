// What the CUDA rungs share: one score, one weight backward, and where a row lies.
//
// What a block of threads does is written once, for two kinds of block: nvcc compiles it for the
// GPU (launch.cu), and the tests run it on the CPU with an emulated block
// (tests/models/attention/block_emulation.h), so that it is tested where there is no GPU. A Block
// has
//
//   index(), thread(), threads()  this block's place in the grid, this thread's in the block
//   sync()                        barrier of all threads of the block
//   shared()                      floats that all its threads share, as many as its Grid asks for
//   warp_max(x), warp_sum(x)      over the 32 threads of a warp, all of which must call
//   warp_get(x, lane)             x of another thread of the warp
//
// and for the tensor cores
//
//   copy_async(to, from)          begins to copy 16 bytes to shared memory
//   wait_for_copies()             until this thread's have arrived; others' are there after sync()
//   load_pieces(...)              pieces of a tile to registers: see tensor_pieces.h
//   multiply_add<Entry>(...)      one piece times another: there, too
//   pack<Entry>(low, high)        two numbers rounded to 16 bits, in one word
//   unpack(x)                     a number of 16 bits as a float
//   exp2(x)                       2^x; what would be denormal may be 0
//
// Every rung adds in an order of its own, without atomic additions: the same numbers on every run
// of a GPU.
#pragma once
#include <cmath>
#include <cstdint>

#include "models/attention/kernels/plain_call.h"

namespace zoo::cuda {

inline constexpr int kWarp = 32;
/// Widest head that rungs with a thread's own row of numbers take.
inline constexpr int kMostWidth = 128;
inline constexpr float kHidden = -std::numeric_limits<float>::infinity();

enum class Pass { kForward, kBackwardQueries, kBackwardKeys };

/// The rows that a pass is shared out by: queries, or keys of key-value heads in
/// Pass::kBackwardKeys.
struct PassRows {
  int64_t heads, length;  ///< heads of the whole batch, rows of each
};
template <class Call>
PassRows rows_of_pass(Pass pass, const Call& call) {
  if (pass == Pass::kBackwardKeys) return {call.B * call.Hkv, call.S};
  return {call.B * call.H, call.T};
}

/// How a pass is cut into blocks.
struct Grid {
  int64_t blocks = 0;
  int threads = 0;
  int64_t shared = 0;  ///< floats of shared memory of a block
};

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
template <class Call>
ZOO_DEVICE float kept(const Call& call, int64_t b, int64_t h, int64_t t, int64_t s) {
  float factor = 1;
  if (call.dropout > 0.0) call.drop(b, h, t, {s, s + 1}, &factor);
  return factor;
}

/// exp(score - top) where a query may have seen nothing yet: top is kHidden, and so is the score.
ZOO_DEVICE inline float weight_of(float score, float top) {
  return score == kHidden ? 0.0F : std::exp(score - top);
}

/// For backward: what PlainResult wants of a row.
template <class Result>
ZOO_DEVICE void keep(const Result& result, int64_t row, float top, float sum) {
  if (result.tops == nullptr) return;
  result.tops[row] = sum == 0.0F ? 0.0F : top;
  result.inverse_sums[row] = sum == 0.0F ? 0.0F : 1.0F / sum;
}

/// What a row of weights is formed again from; and y dy, by which its softmax pulls all its scores
/// back.
struct RowSums {
  float top = 0, inverse_sum = 0, pull = 0;
};
/// For the pass that makes dq, which leaves y dy to the one that makes dk and dv.
ZOO_DEVICE inline RowSums find_sums(const PlainCall<float>& call, const PlainGradients<float>& g,
                                    int64_t b, int64_t h, int64_t t) {
  const int64_t row = (b * call.H + h) * call.T + t;
  const float *const y = g.y.at(b, h, t), *const dy = g.dy.at(b, h, t);
  RowSums sums{g.tops[row], g.inverse_sums[row], 0};
  for (int64_t i = 0; i < call.Dh; ++i) sums.pull += y[i] * dy[i];
  g.pulls[row] = sums.pull;
  return sums;
}
template <class Gradients>
ZOO_DEVICE RowSums sums_of(const Gradients& g, int64_t row) {
  return {g.tops[row], g.inverse_sums[row], g.pulls[row]};
}

/// A query or key of a whole batch by its number.
struct Place {
  int64_t b, h, i;
};
ZOO_DEVICE inline Place place_of(int64_t n, int64_t heads, int64_t length) {
  return {n / (heads * length), n / length % heads, n % length};
}

/// One weight backward: what reaches its score, and the weight after dropout.
struct WeightGradient {
  float score, used;
  /// A hidden key, or query, may hold anything: 0 times NaN is NaN.
  ZOO_DEVICE bool seen() const { return score != 0.0F || used != 0.0F; }
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

}  // namespace zoo::cuda
