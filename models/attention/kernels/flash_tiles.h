// The SIMD inside of kernel flash: what one thread does with one tile of queries. Compiled once for
// each instruction set (Google Highway) and chosen when the program runs.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "models/attention/kernels/plain_call.h"

namespace zoo::flash {

/// Queries in a tile.
inline constexpr int64_t kQueries = 64;

inline int64_t tiles_of(int64_t T) { return (T + kQueries - 1) / kQueries; }

/// A head's width in the sums of a backward pass: a whole number of vectors of any machine.
inline int64_t padded(int64_t Dh) { return (Dh + 15) / 16 * 16; }

/// Queries tile * kQueries and following of one head: fills their rows of y, tops and
/// inverse_sums. A top is in units of log 2: weights are powers of two.
void forward_tile(const PlainCall<float>& call, const PlainResult<float>& result, int64_t b,
                  int64_t h, int64_t tile);

/// The same queries, backward: writes their rows of dq, and adds to dk and dv what reaches the keys
/// and values of their head, [S, padded(Dh)] each; dk still wants the factor call.scale.
void backward_tile(const PlainCall<float>& call, const PlainGradients<float>& gradients, int64_t b,
                   int64_t h, int64_t tile, float* dk, float* dv);

/// The instruction set in use, as Highway calls it: "AVX2".
std::string instruction_set();
/// Those that this program has and this processor knows, the best first.
std::vector<std::string> instruction_sets();
/// Uses this one from now on, to compare it with others; not while another thread computes. Throws
/// std::invalid_argument for one that instruction_sets() does not have.
void use_instruction_set(std::string_view name);

}  // namespace zoo::flash
