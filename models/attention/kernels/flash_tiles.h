// The SIMD part of kernel flash: the work of one thread on one tile of queries. Compiled for each
// instruction set (Google Highway); the best one is chosen at run time.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "models/attention/kernels/kernel_args.h"

namespace zoo::flash {

/// Queries in a tile.
inline constexpr int64_t kQueries = 64;

inline int64_t tiles_of(int64_t T) { return (T + kQueries - 1) / kQueries; }

/// The head width in the sums of a backward pass: a multiple of the vector length of any machine.
inline int64_t padded(int64_t Dh) { return (Dh + 15) / 16 * 16; }

/// Writes the rows of y, row_max and inverse_row_sum of one tile of queries, which begins at query
/// tile * kQueries. Scores and row_max are times log2(e): weights are powers of two.
void forward_tile(const KernelArgs<float>& args, const KernelOutputs<float>& outputs, int64_t b,
                  int64_t h, int64_t tile);

/// Sums of gradients over the tiles of a head.
struct HeadSums {
  float *dk = nullptr, *dv = nullptr;  ///< [S, padded(Dh)]; the caller multiplies dk by args.scale
  float* drelative = nullptr;          ///< [T + S - 1]; null: not wanted
};

/// Backward of the same tile: writes its rows of dq, and adds its share to the sums.
void backward_tile(const KernelArgs<float>& args, const KernelGradients<float>& gradients,
                   int64_t b, int64_t h, int64_t tile, const HeadSums& sums);

/// The instruction set in use, by its name in Highway, such as "AVX2".
std::string instruction_set();
/// Those that are compiled in and that the processor supports, the best first.
std::vector<std::string> instruction_sets();
/// Uses this one from now on. Not to be called while another thread computes. Throws
/// std::invalid_argument for a name that is not in instruction_sets().
void use_instruction_set(std::string_view name);

}  // namespace zoo::flash
