// The SIMD inside of kernel decode: a few query rows against a run of keys. Compiled once for each
// instruction set, as flash_tiles.
#pragma once
#include <cstdint>

namespace zoo::decode {

/// From here on tiles of queries are quicker than rows (compare_attention --shapes
/// 1x12x16x64x1024).
inline constexpr int64_t kMostQueries = 16;

/// scores[r * stride + n] = query_r . key_n; rows of queries lie Dh apart, keys `step`.
void multiply_keys(const float* queries, int64_t rows, const float* keys, int64_t step,
                   int64_t count, int64_t Dh, float* scores, int64_t stride);

/// scores become 2^(score - top); their sum.
float weigh(float* scores, int64_t count, float top);

/// sums_r += sum over n of weights[r * stride + n] value_n; rows of sums lie Dh apart.
void add_values(const float* weights, int64_t stride, int64_t rows, const float* values,
                int64_t step, int64_t count, int64_t Dh, float* sums);

}  // namespace zoo::decode
