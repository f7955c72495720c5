// A tile of queries: the part that forward and backward share.
#if defined(ZOO_FLASH_TILE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ZOO_FLASH_TILE_INL_H
#undef ZOO_FLASH_TILE_INL_H
#else
#define ZOO_FLASH_TILE_INL_H
#endif

#include <algorithm>
#include <vector>

#include "models/attention/kernels/flash_relative-inl.h"
#include "models/attention/kernels/flash_view-inl.h"
#include "models/simd/products-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zoo::flash::HWY_NAMESPACE {
using namespace vectors::HWY_NAMESPACE;

// Copies rows of Dh numbers into a tile [Dh, kQueries]; columns past `rows` become 0.
HWY_INLINE void pack(const float* in, int64_t step, int64_t rows, int64_t Dh, float factor,
                     float* tile) {
  transpose(in, step, rows, Dh, &factor, 0, tile, kQueries);
  if (rows == kQueries) return;
  for (int64_t column = 0; column < Dh; ++column)
    std::fill(tile + column * kQueries + rows, tile + (column + 1) * kQueries, 0.0F);
}

// The inverse: row i of out is column i of the tile, times factors[i].
HWY_INLINE void unpack(const float* tile, int64_t rows, int64_t Dh, const float* factors,
                       float* out, int64_t step) {
  transpose(tile, kQueries, Dh, rows, factors, 1, out, step);
}

// One tile of queries of one head.
struct Tile {
  const KernelArgs<float>& args;
  int64_t b, h, first, queries;
  RelativeBias relative;
  KernelArgs<float> dense;  // without relative_bias

  Tile(const KernelArgs<float>& args_, int64_t b_, int64_t h_, int64_t tile)
      : args(args_),
        b(b_),
        h(h_),
        first(tile * kQueries),
        queries(std::min(kQueries, args_.T - first)),
        relative(args_),
        dense(args_) {
    dense.relative_bias = nullptr;
  }

  QueryBlock block() const { return {b, h, first, queries}; }

  // What a query is multiplied by: products with keys are scores in units of 1 / log2(e), or with a
  // cap the arguments of its tanh.
  float query_factor() const {
    return args.score_cap > 0.0F ? args.scale / args.score_cap : args.scale * kLog2E;
  }
  // Products become capped scores; slopes, where not null, the cap's derivatives.
  void cap(const Piece& piece, float* scores, float* slopes = nullptr) const {
    const Vec unit = hn::Set(d, args.score_cap * kLog2E);
    for (int64_t row = 0; row < piece.keys; ++row) {
      for (int64_t vec = piece.begin; vec < piece.end; ++vec) {
        const int64_t at = row * kQueries + vec * kLanes;
        const Tanh capped = tanh(hn::LoadU(d, scores + at));
        hn::StoreU(hn::Mul(unit, capped.value), d, scores + at);
        if (slopes != nullptr) hn::StoreU(capped.slope, d, slopes + at);
      }
    }
  }

  // Calls f(query, its column in the tile) for the queries of a piece.
  template <class F>
  HWY_INLINE void for_each_query(const Piece& piece, const F& f) const {
    const int64_t last = std::min(queries, piece.end * kLanes);
    for (int64_t i = piece.begin * kLanes; i < last; ++i) f(first + i, i);
  }
  void add_bias_and_mask(const Piece& piece, float* scores) const {
    if (args.relative_bias != nullptr) relative.add(piece, scores);
    if (!dense.has_bias_or_mask()) return;
    for_each_query(piece, [&](int64_t t, int64_t i) {
      dense.add_bias_and_mask(b, h, t, {piece.key, piece.key + piece.keys}, kLog2E, scores + i,
                              kQueries);
    });
  }
  void apply_dropout(const Piece& piece, float* weights) const {
    for_each_query(piece, [&](int64_t t, int64_t i) {
      args.apply_dropout(b, h, t, {piece.key, piece.key + piece.keys}, weights + i, kQueries);
    });
  }
};

// Calls f(offset in the tile) for vector `vec` of each row of a piece.
template <class F>
HWY_INLINE void for_each_vec(const Piece& piece, int64_t vec, const F& f) {
  for (int64_t row = 0; row < piece.keys; ++row) f(row * kQueries + vec * kLanes);
}

// Scratch memory of this thread, reused between tiles: `size` floats aligned to a cache line.
float* scratch(int64_t size) {
  thread_local std::vector<float> memory;
  const auto needed = static_cast<size_t>(size) + 16;
  if (memory.size() < needed) memory.resize(needed);
  const auto address = reinterpret_cast<uintptr_t>(memory.data());
  return memory.data() + (64 - address % 64) % 64 / sizeof(float);
}

}  // namespace zoo::flash::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
