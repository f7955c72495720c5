// The SIMD part of kernel decode: a few query rows against a chunk of keys. Compiled for each
// instruction set, like flash_tiles.
#pragma once
#include <cstdint>

namespace zoo::decode {

/// Above it tiles of queries are faster than rows (compare_attention --shapes 1x12x16x64x1024).
inline constexpr int64_t kMaxQueries = 16;

/// scores[r * stride + n] = query_r . key_n; rows of queries are Dh apart, keys `step`.
void multiply_keys(const float* queries, int64_t rows, const float* keys, int64_t step,
                   int64_t count, int64_t Dh, float* scores, int64_t stride);

/// Replaces each score x by cap tanh(x).
void cap_scores(float* scores, int64_t count, float cap);

/// Replaces each score x by 2^(x - row_max) and returns their sum.
float exponentials(float* scores, int64_t count, float row_max);

/// sums_r += sum over n of weights[r * stride + n] value_n; rows of sums are Dh apart.
void add_values(const float* weights, int64_t stride, int64_t rows, const float* values,
                int64_t step, int64_t count, int64_t Dh, float* sums);

}  // namespace zoo::decode
