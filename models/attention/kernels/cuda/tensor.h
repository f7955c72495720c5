// cuda-tensor: the products of a tile on the GPU's tensor cores, in bfloat16 or float16 with sums
// in float32 (FlashAttention-2: Dao 2023, arXiv:2307.08691, sections 3.1 and 3.3).
//
// A tensor core multiplies pieces of matrices that the 32 threads of a warp hold together. A warp
// has 16 rows of its own (queries; for dk and dv, keys) and their sums in registers, the four warps
// of a block share tiles of the other side's rows in shared memory. A warp's scores come out in
// just the form in which the next product takes them as its left factor: they never leave the
// registers.
//
// While a tile is multiplied, the next one is on its way from the GPU's memory (copy_async): there
// are two places for each.
//
// Costs: as cuda-tiled, one read of the other side for 64 rows; the products are rounded to 16 bits
// once, when weights (backward: gradients of scores) become a factor.
#pragma once
#include "models/attention/kernels/cuda/blocks.h"

namespace zoo::cuda {

// What Block::multiply_add takes: sums, 16 x 8, += left, 16 x 16, times right, 16 x 8. With
// g = lane / 4 and c = lane % 4 * 2 a thread holds, two numbers a word but for the sums:
//
//   left   [0] row g, columns c, c+1   [1] row g+8   [2] row g, columns c+8, c+9   [3] row g+8
//   right  [0] rows c, c+1, column g   [1] rows c+8, c+9
//   sums   [0], [1] row g, columns c, c+1            [2], [3] row g+8
//
// Block::load_pieces(pieces, row, transposed) fetches four 8 x 8 matrices from shared memory. The
// thread of lane 8 m + i names row i of matrix m, 8 numbers that begin at a multiple of 16 bytes,
// and gets of each matrix row g, columns c, c+1; transposed, rows c, c+1 of column g.
//
// Block::copy_async(to, from) starts a copy of 16 bytes to shared memory; wait_for_copies() ends
// those of this thread.

inline constexpr int kWarpRows = 16;
inline constexpr int kBlockThreads = 4 * kWarp;
inline constexpr int kBlockRows = 4 * kWarpRows;
inline constexpr float kLog2e = 1.44269504088896340736F;

/// Where kWidth columns and kCount rows lie in shared memory. Eight rows that are fetched together
/// begin in different banks.
template <int kWidth>
inline constexpr int kTileStep = kWidth + 8;

/// Rows of the other side in shared memory at a time; backward keeps two products of them in
/// registers, beside more sums.
template <int kWidth>
inline constexpr int kForwardRows = 64;
template <int kWidth>
inline constexpr int kBackwardRows = kWidth <= 64 ? 64 : 32;

/// load_tile where rows or columns are missing, or copy_async could not bring what is there.
template <int kWidth, int kRows, class Entry>
ZOO_DEVICE ZOO_APART void load_numbers(int thread, const Entry* rows, int64_t step, int64_t count,
                                       int64_t Dh, uint16_t* tile) {
  for (int n = thread; n < kRows * kWidth; n += kBlockThreads) {
    const int row = n / kWidth, column = n % kWidth;
    tile[row * kTileStep<kWidth> + column] =
        row < count && column < Dh ? rows[row * step + column].bits : uint16_t{0};
  }
}

/// Begins to bring rows first, first + 1, ... of a head to a tile of kRows; what is not there
/// becomes zeros, whose products add nothing. All threads of the block share the work.
template <int kWidth, int kRows, class Block, class Entry>
ZOO_DEVICE void load_tile(Block& block, const Rows<const Entry>& rows, int64_t b, int64_t h,
                          int64_t first, int64_t count, int64_t Dh, uint16_t* tile) {
  const auto* const start = rows.at(b, h, first);
  const int thread = static_cast<int>(block.thread());
  const bool copied = count >= kRows && Dh == kWidth && rows.step % 8 == 0 &&
                      reinterpret_cast<uintptr_t>(start) % 16 == 0;
  if (!copied) return load_numbers<kWidth, kRows>(thread, start, rows.step, count, Dh, tile);
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

/// Two tiles of the other side, and the next two.
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

/// The left factor of columns 16 step, ... from the warp's rows of a tile of kBlockRows.
template <int kWidth, class Block>
ZOO_DEVICE void left_piece(Block& block, const uint16_t* tile, int step, uint32_t (&piece)[4]) {
  const int warp = static_cast<int>(block.thread() / kWarp);
  const int lane = static_cast<int>(block.thread() % kWarp), matrix = lane / 8;
  const int row = warp * kWarpRows + matrix % 2 * 8 + lane % 8;
  block.load_pieces(piece, tile + row * kTileStep<kWidth> + step * 16 + matrix / 2 * 8, false);
}

/// products = a warp's own rows times the tile's rows, over the columns: 16 x kRows. left(step,
/// piece) gives the own rows.
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

/// Calls each(row, column, number) for what a thread holds of a product: row 0 or 1 of its two.
template <class Block, int kPieces, class Each>
ZOO_DEVICE void for_each_number(Block& block, float (&product)[kPieces][4], const Each& each) {
  const int column = static_cast<int>(block.thread() % 4) * 2;
  ZOO_UNROLL
  for (int n = 0; n < kPieces; ++n) {
    ZOO_UNROLL
    for (int i = 0; i < 4; ++i) each(i / 2, n * 8 + column + i % 2, product[n][i]);
  }
}

/// Over the four threads that share a row.
template <class Block>
ZOO_DEVICE float row_sum(Block& block, float x) {
  const int lane = static_cast<int>(block.thread() % kWarp);
  x += block.warp_get(x, lane ^ 1);
  return x + block.warp_get(x, lane ^ 2);
}
template <class Block>
ZOO_DEVICE float row_max(Block& block, float x) {
  const int lane = static_cast<int>(block.thread() % kWarp);
  x = std::fmax(x, block.warp_get(x, lane ^ 1));
  return std::fmax(x, block.warp_get(x, lane ^ 2));
}

/// A block's own rows of one head, and a thread's two among them: row and row + 8.
struct OwnRows {
  int64_t b, h, first, end;  ///< of the block: first ... end - 1
  int64_t warp, row;         ///< the warp's first, this thread's first

  ZOO_DEVICE int64_t row_of(int which) const { return row + 8 * which; }
  ZOO_DEVICE bool has(int which) const { return row_of(which) < end; }
  /// The warp's last row that is there; before the first where there is none.
  ZOO_DEVICE int64_t warp_last() const {
    return warp + kWarpRows < end ? warp + kWarpRows - 1 : end - 1;
  }
};
/// last_first: with causal, later queries have more to do, and what takes longest should not begin
/// last.
template <class Block>
ZOO_DEVICE OwnRows own_rows(Block& block, int64_t heads, int64_t length, bool last_first) {
  const int64_t blocks = (length + kBlockRows - 1) / kBlockRows;
  const int64_t head = block.index() / blocks, place = block.index() % blocks;
  const int64_t first = (last_first ? blocks - 1 - place : place) * kBlockRows;
  const int64_t warp = first + block.thread() / kWarp * kWarpRows;
  return {head / heads, head % heads,
          first,        first + kBlockRows < length ? first + kBlockRows : length,
          warp,         warp + block.thread() % kWarp / 4};
}

/// Writes what a thread has of 16 x kWidth sums.
template <int kWidth, class Block, class Entry>
ZOO_DEVICE void write_rows(Block& block, const OwnRows& own, const Rows<Entry>& rows, int64_t Dh,
                           const float (&factors)[2], float (&sums)[kWidth / 8][4]) {
  for_each_number(block, sums, [&](int which, int column, float number) {
    if (!own.has(which) || column >= Dh) return;
    const auto bits = block.template pack<Entry>(number * factors[which], 0.0F);
    rows.at(own.b, own.h, own.row_of(which))[column].bits = static_cast<uint16_t>(bits);
  });
}

/// Whose score a number is, and what its query sees.
struct Scored {
  int32_t begin, end;
  int64_t t, s;
};

// What is rare is kept apart, because its code would be there once for every number of a thread.
template <class Entry>
ZOO_DEVICE ZOO_APART float with_terms(const PlainCall<float, Entry>& call, int64_t b, int64_t h,
                                      const Scored& at, float score) {
  call.add_terms(b, h, at.t, {at.s, at.s + 1}, kLog2e, &score);
  return score;
}
template <class Entry>
ZOO_DEVICE ZOO_APART float dropout_factor(const PlainCall<float, Entry>& call, int64_t b, int64_t h,
                                          const Scored& at) {
  return kept(call, b, h, at.t, at.s);
}

/// Products to scores in units of log 2; kHidden where not seen. at(row, column) says whose one is;
/// it is not asked where `plain`: all is seen, and nothing added.
template <class Block, class Entry, int kPieces, class At>
ZOO_DEVICE void finish_scores(Block& block, const PlainCall<float, Entry>& call, int64_t b,
                              int64_t h, bool plain, float (&scores)[kPieces][4], const At& at) {
  const float unit = call.scale * kLog2e;
  for_each_number(block, scores, [&](int, int, float& score) { score *= unit; });
  if (plain) return;
  for_each_number(block, scores, [&](int row, int column, float& score) {
    const Scored whose = at(row, column);
    if (whose.s < whose.begin || whose.s >= whose.end) score = kHidden;
  });
  if (!call.has_terms()) return;
  for_each_number(block, scores, [&](int row, int column, float& score) {
    if (score != kHidden) score = with_terms(call, b, h, at(row, column), score);
  });
}

/// Whether the queries from the one that sees `first` to the one that sees `last` all see these
/// keys, and nothing comes to their scores: bounds never fall from one query to the next.
template <class Entry>
ZOO_DEVICE bool all_seen(const PlainCall<float, Entry>& call, const KeyRange& first,
                         const KeyRange& last, const KeyRange& keys) {
  return last.begin <= keys.begin && keys.end <= first.end && !call.has_terms();
}

/// A top that can be taken from scores: of a row that sees nothing, 0.
ZOO_DEVICE inline float finite_top(float top) { return top == kHidden ? 0.0F : top; }

template <class Entry, int kWidth, class Block>
ZOO_DEVICE void tensor_forward(Block& block, const PlainCall<float, Entry>& call,
                               const PlainResult<float, Entry>& result) {
  constexpr int kRows = kForwardRows<kWidth>;
  const OwnRows own = own_rows(block, call.H, call.T, /*last_first=*/true);
  const int64_t b = own.b, h = own.h, kv = call.kv_head(h);
  const TilePairs<kWidth, kRows> tiles{reinterpret_cast<uint16_t*>(block.shared())};
  const KeyRange all{call.keys_of(b, own.first).begin, call.keys_of(b, own.end - 1).end};

  // The queries pass through the second place on their way to registers.
  static_assert(kRows >= kBlockRows);
  load_tile<kWidth, kBlockRows>(block, call.q, b, h, own.first, own.end - own.first, call.Dh,
                                tiles.tile(1, 0));
  tiles.load(block, 0, call.k, call.v, b, kv, all.begin, all.end - all.begin, call.Dh);
  block.wait_for_copies();
  block.sync();
  uint32_t q[kWidth / 16][4];
  ZOO_UNROLL
  for (int step = 0; step < kWidth / 16; ++step)
    left_piece<kWidth>(block, tiles.tile(1, 0), step, q[step]);
  const auto left = [&](int step, uint32_t(&piece)[4]) {
    ZOO_UNROLL
    for (int i = 0; i < 4; ++i) piece[i] = q[step][i];
  };

  float y[kWidth / 8][4] = {}, top[2] = {kHidden, kHidden}, sum[2] = {0, 0};
  int32_t begin[2] = {}, end[2] = {};
  ZOO_UNROLL
  for (int i = 0; i < 2; ++i) {
    if (!own.has(i)) continue;
    const KeyRange keys = call.keys_of(b, own.row_of(i));
    begin[i] = static_cast<int32_t>(keys.begin), end[i] = static_cast<int32_t>(keys.end);
  }
  const KeyRange first_keys = call.keys_of(b, own.warp < call.T ? own.warp : call.T - 1);
  const KeyRange last_keys = call.keys_of(b, own.warp_last());
  const bool drops = call.dropout > 0.0;
  int stage = 0;
  for (int64_t tile = all.begin; tile < all.end; tile += kRows, stage ^= 1) {
    block.wait_for_copies();
    block.sync();  // this tile is there, and the one before is done with
    if (const int64_t next = tile + kRows; next < all.end)
      tiles.load(block, stage ^ 1, call.k, call.v, b, kv, next, all.end - next, call.Dh);
    const uint16_t* const keys_tile = tiles.tile(stage, 0);
    const uint16_t* const values_tile = tiles.tile(stage, 1);
    if (own.warp >= own.end || tile >= last_keys.end || tile + kRows <= first_keys.begin) continue;

    float scores[kRows / 8][4];
    multiply_rows<Entry, kWidth, kRows>(block, left, keys_tile, scores);
    const bool plain = all_seen(call, first_keys, last_keys, {tile, tile + kRows}) &&
                       own.warp + kWarpRows <= own.end;
    const auto at = [&](int row, int column) {
      return Scored{begin[row], end[row], own.row_of(row), tile + column};
    };
    finish_scores(block, call, b, h, plain, scores, at);
    float now[2] = {top[0], top[1]};
    for_each_number(block, scores,
                    [&](int row, int, float score) { now[row] = std::fmax(now[row], score); });
    float shrink[2], unit[2];
    ZOO_UNROLL
    for (int i = 0; i < 2; ++i) {
      now[i] = row_max(block, now[i]);
      unit[i] = finite_top(now[i]);
      shrink[i] = block.exp2(top[i] - unit[i]);
      sum[i] *= shrink[i];
      top[i] = now[i];
    }
    for_each_number(block, y, [&](int which, int, float& number) { number *= shrink[which]; });
    for_each_number(block, scores, [&](int row, int, float& score) {
      score = block.exp2(score - unit[row]);
      sum[row] += score;
    });
    if (drops) {
      for_each_number(block, scores, [&](int row, int column, float& score) {
        score *= dropout_factor(call, b, h, at(row, column));
      });
    }
    add_rows<Entry, kWidth, kRows>(block, scores, values_tile, y);
  }

  float inverse[2];
  ZOO_UNROLL
  for (int i = 0; i < 2; ++i) {
    sum[i] = row_sum(block, sum[i]);
    inverse[i] = sum[i] == 0.0F ? 0.0F : 1.0F / sum[i];
    if (own.has(i) && block.thread() % 4 == 0)
      keep(result, (b * call.H + h) * call.T + own.row_of(i), top[i], sum[i]);
  }
  write_rows<kWidth>(block, own, result.y, call.Dh, inverse, y);
}

/// y dy of a query, from its threads' shares.
template <class Block, class Entry>
ZOO_DEVICE float pull_share(Block& block, const PlainGradients<float, Entry>& g, int64_t b,
                            int64_t h, int64_t t, int64_t Dh, int share, int shares) {
  const Entry *const y = g.y.at(b, h, t), *const dy = g.dy.at(b, h, t);
  float pull = 0;
  for (int64_t i = share; i < Dh; i += shares) pull += block.unpack(y[i]) * block.unpack(dy[i]);
  return pull;
}

/// What backward makes of the products q k and dy v: of the first the weights as they were used, of
/// the second the gradients of the scores. at() as above; sums(row, column) are those of the query.
template <class Block, class Entry, int kPieces, class At, class Sums>
ZOO_DEVICE void weight_gradients(Block& block, const PlainCall<float, Entry>& call, int64_t b,
                                 int64_t h, bool plain, float (&weights)[kPieces][4],
                                 float (&gradients)[kPieces][4], const At& at, const Sums& sums) {
  finish_scores(block, call, b, h, plain, weights, at);
  for_each_number(block, weights, [&](int row, int column, float& weight) {
    const RowSums& query = sums(row, column);
    weight = block.exp2(weight - query.top) * query.inverse_sum;
  });
  // Where a weight is 0, what comes back to it may be anything: also no number.
  const int column = static_cast<int>(block.thread() % 4) * 2;
  const auto each = [&](auto factor) {
    ZOO_UNROLL
    for (int n = 0; n < kPieces; ++n) {
      ZOO_UNROLL
      for (int i = 0; i < 4; ++i) {
        float &weight = weights[n][i], &gradient = gradients[n][i];
        const int place = n * 8 + column + i % 2;
        const float used = factor(i / 2, place);
        const float pulled = weight * (gradient * used - sums(i / 2, place).pull);
        gradient = weight == 0.0F ? 0.0F : pulled;
        weight *= used;
      }
    }
  };
  if (call.dropout > 0.0) {
    each([&](int row, int place) { return dropout_factor(call, b, h, at(row, place)); });
  } else {
    each([](int, int) { return 1.0F; });
  }
}

template <class Entry, int kWidth, class Block>
ZOO_DEVICE void tensor_backward_queries(Block& block, const PlainCall<float, Entry>& call,
                                        const PlainGradients<float, Entry>& g) {
  constexpr int kRows = kBackwardRows<kWidth>;
  const OwnRows own = own_rows(block, call.H, call.T, /*last_first=*/true);
  const int64_t b = own.b, h = own.h, kv = call.kv_head(h), count = own.end - own.first;
  auto* const q_tile = reinterpret_cast<uint16_t*>(block.shared());
  auto* const dy_tile = q_tile + kBlockRows * kTileStep<kWidth>;
  const TilePairs<kWidth, kRows> tiles{dy_tile + kBlockRows * kTileStep<kWidth>};
  const KeyRange all{call.keys_of(b, own.first).begin, call.keys_of(b, own.end - 1).end};
  load_tile<kWidth, kBlockRows>(block, call.q, b, h, own.first, count, call.Dh, q_tile);
  load_tile<kWidth, kBlockRows>(block, g.dy, b, h, own.first, count, call.Dh, dy_tile);
  tiles.load(block, 0, call.k, call.v, b, kv, all.begin, all.end - all.begin, call.Dh);

  RowSums sums[2];
  int32_t begin[2] = {}, end[2] = {};
  ZOO_UNROLL
  for (int i = 0; i < 2; ++i) {
    float share = 0;
    if (own.has(i)) {
      const int64_t t = own.row_of(i), row = (b * call.H + h) * call.T + t;
      const KeyRange keys = call.keys_of(b, t);
      begin[i] = static_cast<int32_t>(keys.begin), end[i] = static_cast<int32_t>(keys.end);
      sums[i] = {g.tops[row], g.inverse_sums[row], 0};
      share = pull_share(block, g, b, h, t, call.Dh, static_cast<int>(block.thread() % 4), 4);
    }
    sums[i].pull = row_sum(block, share);
    if (own.has(i) && block.thread() % 4 == 0)
      g.pulls[(b * call.H + h) * call.T + own.row_of(i)] = sums[i].pull;
  }
  const KeyRange first_keys = call.keys_of(b, own.warp < call.T ? own.warp : call.T - 1);
  const KeyRange last_keys = call.keys_of(b, own.warp_last());
  const auto queries = [&](int step, uint32_t(&piece)[4]) {
    left_piece<kWidth>(block, q_tile, step, piece);
  };
  const auto upstream = [&](int step, uint32_t(&piece)[4]) {
    left_piece<kWidth>(block, dy_tile, step, piece);
  };
  float dq[kWidth / 8][4] = {};
  int stage = 0;
  for (int64_t tile = all.begin; tile < all.end; tile += kRows, stage ^= 1) {
    block.wait_for_copies();
    block.sync();
    if (const int64_t next = tile + kRows; next < all.end)
      tiles.load(block, stage ^ 1, call.k, call.v, b, kv, next, all.end - next, call.Dh);
    const uint16_t* const keys_tile = tiles.tile(stage, 0);
    const uint16_t* const values_tile = tiles.tile(stage, 1);
    if (own.warp >= own.end || tile >= last_keys.end || tile + kRows <= first_keys.begin) continue;
    const bool plain = all_seen(call, first_keys, last_keys, {tile, tile + kRows}) &&
                       own.warp + kWarpRows <= own.end;
    float scores[kRows / 8][4], dweights[kRows / 8][4];
    multiply_rows<Entry, kWidth, kRows>(block, queries, keys_tile, scores);
    multiply_rows<Entry, kWidth, kRows>(block, upstream, values_tile, dweights);
    weight_gradients(
        block, call, b, h, plain, scores, dweights,
        [&](int row, int column) {
          return Scored{begin[row], end[row], own.row_of(row), tile + column};
        },
        [&](int row, int) -> const RowSums& { return sums[row]; });
    add_rows<Entry, kWidth, kRows>(block, dweights, keys_tile, dq);
  }
  write_rows<kWidth>(block, own, g.dq, call.Dh, {call.scale, call.scale}, dq);
}

/// What dk and dv need of a tile's queries.
struct QuerySums {
  RowSums sums;
  int32_t begin, end;  ///< the keys it sees
};
/// What the first and the last query of a tile see.
struct SeenKeys {
  KeyRange first, last;

  ZOO_DEVICE bool any(const KeyRange& keys) const {
    return first.begin < keys.end && keys.begin < last.end;
  }
};

template <class Entry, int kWidth, class Block>
ZOO_DEVICE void tensor_backward_keys(Block& block, const PlainCall<float, Entry>& call,
                                     const PlainGradients<float, Entry>& g) {
  constexpr int kRows = kBackwardRows<kWidth>;
  const OwnRows own = own_rows(block, call.Hkv, call.S, /*last_first=*/false);
  const int64_t b = own.b, kv = own.h, count = own.end - own.first, group = call.H / call.Hkv;
  auto* const k_tile = reinterpret_cast<uint16_t*>(block.shared());
  auto* const v_tile = k_tile + kBlockRows * kTileStep<kWidth>;
  const TilePairs<kWidth, kRows> tiles{v_tile + kBlockRows * kTileStep<kWidth>};
  auto* const queries = reinterpret_cast<QuerySums*>(tiles.end());  // [2, kRows]
  load_tile<kWidth, kBlockRows>(block, call.k, b, kv, own.first, count, call.Dh, k_tile);
  load_tile<kWidth, kBlockRows>(block, call.v, b, kv, own.first, count, call.Dh, v_tile);
  const auto keys = [&](int step, uint32_t(&piece)[4]) {
    left_piece<kWidth>(block, k_tile, step, piece);
  };
  const auto values = [&](int step, uint32_t(&piece)[4]) {
    left_piece<kWidth>(block, v_tile, step, piece);
  };

  // The tiles of queries of all heads of the group, one after the other.
  const int64_t tiles_of_head = (call.T + kRows - 1) / kRows;
  const auto seen = [&](int64_t n) {
    const int64_t tile = n % tiles_of_head * kRows;
    const int64_t last = tile + kRows < call.T ? tile + kRows - 1 : call.T - 1;
    return SeenKeys{call.keys_of(b, tile), call.keys_of(b, last)};
  };
  const auto next_tile = [&](int64_t n) {  // the first from n on that sees a key of the block
    while (n < group * tiles_of_head && !seen(n).any({own.first, own.end})) ++n;
    return n;
  };
  const auto load = [&](int64_t n, int stage) {
    const int64_t h = kv * group + n / tiles_of_head, tile = n % tiles_of_head * kRows;
    tiles.load(block, stage, call.q, g.dy, b, h, tile, call.T - tile, call.Dh);
    const int64_t i = block.thread(), t = tile + i;
    if (i >= kRows) return;
    QuerySums query{};
    if (t < call.T) {
      const KeyRange range = call.keys_of(b, t);
      query = {sums_of(g, (b * call.H + h) * call.T + t), static_cast<int32_t>(range.begin),
               static_cast<int32_t>(range.end)};
    }
    queries[stage * kRows + i] = query;
  };

  float dk[kWidth / 8][4] = {}, dv[kWidth / 8][4] = {};
  int stage = 0;
  int64_t n = next_tile(0);
  if (n < group * tiles_of_head) load(n, 0);
  for (; n < group * tiles_of_head; stage ^= 1) {
    const int64_t h = kv * group + n / tiles_of_head, tile = n % tiles_of_head * kRows;
    const SeenKeys here = seen(n);
    block.wait_for_copies();
    block.sync();
    n = next_tile(n + 1);
    if (n < group * tiles_of_head) load(n, stage ^ 1);
    const uint16_t* const queries_tile = tiles.tile(stage, 0);
    const uint16_t* const dy_tile = tiles.tile(stage, 1);
    const KeyRange mine{own.warp, own.warp + kWarpRows};
    if (own.warp >= own.end || !here.any(mine)) continue;
    const bool plain = all_seen(call, here.first, here.last, mine) && tile + kRows <= call.T;
    float scores[kRows / 8][4], dweights[kRows / 8][4];
    multiply_rows<Entry, kWidth, kRows>(block, keys, queries_tile, scores);
    multiply_rows<Entry, kWidth, kRows>(block, values, dy_tile, dweights);
    const QuerySums* const here_sums = queries + stage * kRows;
    weight_gradients(
        block, call, b, h, plain, scores, dweights,
        [&](int row, int column) {
          const QuerySums& query = here_sums[column];
          return Scored{query.begin, query.end, tile + column, own.row_of(row)};
        },
        [&](int, int column) -> const RowSums& { return here_sums[column].sums; });
    add_rows<Entry, kWidth, kRows>(block, dweights, queries_tile, dk);
    add_rows<Entry, kWidth, kRows>(block, scores, dy_tile, dv);
  }
  write_rows<kWidth>(block, own, g.dk, call.Dh, {call.scale, call.scale}, dk);
  write_rows<kWidth>(block, own, g.dv, call.Dh, {1.0F, 1.0F}, dv);
}

/// Floats of shared memory of a block.
template <int kWidth>
constexpr int64_t tensor_shared(Pass pass) {
  constexpr int64_t kRow = kTileStep<kWidth> / 2, kRows = kBackwardRows<kWidth>;
  if (pass == Pass::kForward) return 4 * kForwardRows<kWidth> * kRow;
  const int64_t tiles = (2 * kBlockRows + 4 * kRows) * kRow;
  if (pass == Pass::kBackwardQueries) return tiles;
  return tiles + 2 * kRows * static_cast<int64_t>(sizeof(QuerySums) / sizeof(float));
}

template <Pass kPass, int kWidth, class Block, class Entry, class Output>
ZOO_DEVICE void tensor_pass(Block& block, const PlainCall<float, Entry>& call,
                            const Output& output) {
  if constexpr (kPass == Pass::kForward) {
    tensor_forward<Entry, kWidth>(block, call, output);
  } else if constexpr (kPass == Pass::kBackwardQueries) {
    tensor_backward_queries<Entry, kWidth>(block, call, output);
  } else {
    tensor_backward_keys<Entry, kWidth>(block, call, output);
  }
}

}  // namespace zoo::cuda
