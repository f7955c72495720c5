// The parts of cuda-tensor: tiles in shared memory, pieces of matrices in registers, and the two
// products.
//
//      tile, shared memory             a warp's sums, pieces of 16 x 8    the owners of 16 x 8
//      +--------- kWidth --------+     +---+---+---+---+                  columns 01  23  45  67
//    0 | row 0                |..|     | 8 | 8 | 8 |...|   16 rows        row 0   t0  t1  t2  t3
//    1 | row 1                |..|     +---+---+---+---+                  row 1   t4  t5  t6  t7
//      | ...                  |..| 8 unused numbers: other banks          ...
//      +----------------------+--+                                        row 8   t0  t1  t2  t3
#pragma once
#include "models/attention/kernels/cuda/blocks.h"

namespace zoo::cuda {

// Block::multiply_add computes sums, 16 x 8, += left, 16 x 16, times right, 16 x 8. With
// g = lane / 4 and c = lane % 4 * 2 a thread holds, two numbers a word (of sums, one):
//
//   left   [0] row g, columns c, c+1   [1] row g+8   [2] row g, columns c+8, c+9   [3] row g+8
//   right  [0] rows c, c+1, column g   [1] rows c+8, c+9
//   sums   [0], [1] row g, columns c, c+1            [2], [3] row g+8
//
// Block::load_pieces(pieces, row, transposed) loads four 8 x 8 matrices from shared memory. The
// thread of lane 8 m + i passes row i of matrix m, 8 numbers aligned to 16 bytes, and gets of each
// matrix row g, columns c, c+1; transposed, rows c, c+1 of column g.

inline constexpr int kWarpRows = 16;
inline constexpr int kBlockThreads = 4 * kWarp;
inline constexpr int kBlockRows = 4 * kWarpRows;

/// Stride of the rows of a tile in shared memory. Eight rows that are loaded together begin in
/// different banks.
template <int kWidth>
inline constexpr int kTileStep = kWidth + 8;

/// Rows of the other side in one tile. Backward keeps two products and more sums in registers, and
/// so its tiles are smaller for wide heads.
inline constexpr int kForwardRows = 64;
template <int kWidth>
inline constexpr int kBackwardRows = kWidth <= 64 ? 64 : 32;

/// load_tile where rows or columns are missing, or where alignment rules out copy_async.
template <int kWidth, int kRows, class Entry>
ZOO_DEVICE ZOO_NOINLINE void load_numbers(int thread, const Entry* rows, int64_t step,
                                          int64_t count, int64_t Dh, uint16_t* tile) {
  for (int n = thread; n < kRows * kWidth; n += kBlockThreads) {
    const int row = n / kWidth, column = n % kWidth;
    tile[row * kTileStep<kWidth> + column] =
        row < count && column < Dh ? rows[row * step + column].bits : uint16_t{0};
  }
}

/// Starts to copy rows first, first + 1, ... of a head to a tile of kRows; missing rows and columns
/// become zeros. All threads of the block share the work.
template <int kWidth, int kRows, class Block, class Entry>
ZOO_DEVICE void load_tile(Block& block, const Rows<const Entry>& rows, int64_t b, int64_t h,
                          int64_t first, int64_t count, int64_t Dh, uint16_t* tile) {
  const auto* const start = rows.at(b, h, first);
  const int thread = static_cast<int>(block.thread());
  const bool can_copy = count >= kRows && Dh == kWidth && rows.step % 8 == 0 &&
                        reinterpret_cast<uintptr_t>(start) % 16 == 0;
  if (!can_copy) return load_numbers<kWidth, kRows>(thread, start, rows.step, count, Dh, tile);
  constexpr int kEights = kWidth / 8, kRowsAtOnce = kBlockThreads / kEights;
  const int row = thread / kEights, column = thread % kEights * 8;
  const auto* from = start + row * rows.step + column;
  uint16_t* to = tile + row * kTileStep<kWidth> + column;
  ZOO_UNROLL
  for (int n = 0; n < kRows; n += kRowsAtOnce) {
    block.copy_async(to, from);
    from += kRowsAtOnce * rows.step;
    to += kRowsAtOnce * kTileStep<kWidth>;
  }
}

/// Two tiles of the other side, double-buffered.
template <int kWidth, int kRows>
struct TilePairs {
  uint16_t* memory;

  ZOO_DEVICE uint16_t* tile(int stage, int which) const {
    return memory + (stage * 2 + which) * kRows * kTileStep<kWidth>;
  }
  ZOO_DEVICE uint16_t* end() const { return tile(2, 0); }
  template <class Block, class Entry>
  ZOO_DEVICE void load(Block& block, int stage, const Rows<const Entry>& one,
                       const Rows<const Entry>& other, int64_t b, int64_t h, int64_t first,
                       int64_t count, int64_t Dh) const {
    load_tile<kWidth, kRows>(block, one, b, h, first, count, Dh, tile(stage, 0));
    load_tile<kWidth, kRows>(block, other, b, h, first, count, Dh, tile(stage, 1));
  }
};

/// Loads the left factor for columns 16 step to 16 step + 15: the warp's rows of a tile of
/// kBlockRows.
template <int kWidth, class Block>
ZOO_DEVICE void left_piece(Block& block, const uint16_t* tile, int step, uint32_t (&piece)[4]) {
  const int warp = static_cast<int>(block.thread() / kWarp);
  const int lane = static_cast<int>(block.thread() % kWarp), matrix = lane / 8;
  const int row = warp * kWarpRows + matrix % 2 * 8 + lane % 8;
  block.load_pieces(piece, tile + row * kTileStep<kWidth> + step * 16 + matrix / 2 * 8, false);
}

/// products, 16 x kRows, = the warp's own rows times the tile's rows, transposed. left(step, piece)
/// loads the own rows.
template <class Entry, int kWidth, int kRows, class Block, class Left>
ZOO_DEVICE void multiply_rows(Block& block, const Left& left, const uint16_t* tile,
                              float (&products)[kRows / 8][4]) {
  const int lane = static_cast<int>(block.thread() % kWarp), matrix = lane / 8;
  const uint16_t* const mine =
      tile + (matrix / 2 * 8 + lane % 8) * kTileStep<kWidth> + matrix % 2 * 8;
  ZOO_UNROLL
  for (int n = 0; n < kRows / 8; ++n)
    products[n][0] = products[n][1] = products[n][2] = products[n][3] = 0;
  ZOO_UNROLL
  for (int step = 0; step < kWidth / 16; ++step) {
    uint32_t own[4];
    left(step, own);
    ZOO_UNROLL
    for (int n = 0; n < kRows / 8; n += 2) {
      uint32_t other[4];
      block.load_pieces(other, mine + n * 8 * kTileStep<kWidth> + step * 16, false);
      block.template multiply_add<Entry>(products[n], own, other[0], other[1]);
      block.template multiply_add<Entry>(products[n + 1], own, other[2], other[3]);
    }
  }
}

/// sums, 16 x kWidth, += factors, 16 x kRows, times the tile.
template <class Entry, int kWidth, int kRows, class Block>
ZOO_DEVICE void add_rows(Block& block, const float (&factors)[kRows / 8][4], const uint16_t* tile,
                         float (&sums)[kWidth / 8][4]) {
  const int lane = static_cast<int>(block.thread() % kWarp), matrix = lane / 8;
  const uint16_t* const mine =
      tile + (matrix % 2 * 8 + lane % 8) * kTileStep<kWidth> + matrix / 2 * 8;
  ZOO_UNROLL
  for (int step = 0; step < kRows / 16; ++step) {
    const auto &one = factors[2 * step], &two = factors[2 * step + 1];
    const uint32_t left[4] = {
        block.template pack<Entry>(one[0], one[1]), block.template pack<Entry>(one[2], one[3]),
        block.template pack<Entry>(two[0], two[1]), block.template pack<Entry>(two[2], two[3])};
    ZOO_UNROLL
    for (int n = 0; n < kWidth / 8; n += 2) {
      uint32_t right[4];
      block.load_pieces(right, mine + step * 16 * kTileStep<kWidth> + n * 8, true);
      block.template multiply_add<Entry>(sums[n], left, right[0], right[1]);
      block.template multiply_add<Entry>(sums[n + 1], left, right[2], right[3]);
    }
  }
}

/// Calls each(row, column, number) for the numbers of a product that this thread holds; row 0 or 1
/// is one of its two rows.
template <class Block, int kPieces, class Each>
ZOO_DEVICE void for_each_number(Block& block, float (&product)[kPieces][4], const Each& each) {
  const int column = static_cast<int>(block.thread() % 4) * 2;
  ZOO_UNROLL
  for (int n = 0; n < kPieces; ++n) {
    ZOO_UNROLL
    for (int i = 0; i < 4; ++i) each(i / 2, n * 8 + column + i % 2, product[n][i]);
  }
}

/// Sum over the four threads that share a row.
template <class Block>
ZOO_DEVICE float sum_of_row(Block& block, float x) {
  const int lane = static_cast<int>(block.thread() % kWarp);
  x += block.warp_get(x, lane ^ 1);
  return x + block.warp_get(x, lane ^ 2);
}
template <class Block>
ZOO_DEVICE float max_of_row(Block& block, float x) {
  const int lane = static_cast<int>(block.thread() % kWarp);
  x = std::fmax(x, block.warp_get(x, lane ^ 1));
  return std::fmax(x, block.warp_get(x, lane ^ 2));
}

/// The rows of one head that a block computes, and a thread's two among them: row and row + 8.
struct OwnRows {
  int64_t b, h, first, end;  ///< the block's rows: first ... end - 1
  int64_t warp, row;         ///< the first row of the warp, and of this thread

  ZOO_DEVICE int64_t row_of(int which) const { return row + 8 * which; }
  ZOO_DEVICE bool has(int which) const { return row_of(which) < end; }
  /// The warp's last row; less than `warp` where it has none.
  ZOO_DEVICE int64_t warp_last() const {
    return warp + kWarpRows < end ? warp + kWarpRows - 1 : end - 1;
  }
};
/// last_first: the longest work should start first; with causal, later queries have more to do.
template <class Block>
ZOO_DEVICE OwnRows own_rows(Block& block, int64_t heads, int64_t length, bool last_first) {
  const int64_t blocks = (length + kBlockRows - 1) / kBlockRows;
  const int64_t head = block.index() / blocks, number = block.index() % blocks;
  const int64_t first = (last_first ? blocks - 1 - number : number) * kBlockRows;
  const int64_t warp = first + block.thread() / kWarp * kWarpRows;
  return {head / heads, head % heads,
          first,        first + kBlockRows < length ? first + kBlockRows : length,
          warp,         warp + block.thread() % kWarp / 4};
}

/// Writes this thread's numbers of 16 x kWidth sums, each row times its factor.
template <int kWidth, class Block, class Entry>
ZOO_DEVICE void write_rows(Block& block, const OwnRows& own, const Rows<Entry>& rows, int64_t Dh,
                           const float (&factors)[2], float (&sums)[kWidth / 8][4]) {
  for_each_number(block, sums, [&](int which, int column, float number) {
    if (!own.has(which) || column >= Dh) return;
    // With factor 0 a row sees no key; its sums may hold NaN from hidden ones.
    const float written = factors[which] == 0.0F ? 0.0F : number * factors[which];
    const auto bits = block.template pack<Entry>(written, 0.0F);
    rows.at(own.b, own.h, own.row_of(which))[column].bits = static_cast<uint16_t>(bits);
  });
}

}  // namespace zoo::cuda
