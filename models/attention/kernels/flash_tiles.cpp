// Tiles of scores are kept transposed: a row is a key, the lanes of a vector are queries. So the
// maximum and the sum of a softmax go down the rows, vector by vector, and never across lanes. Only
// q^T (backward: dy^T, too) is packed for it, once a tile; k and v are read where they lie, one
// number broadcast to all lanes at a time.
#include "models/attention/kernels/flash_tiles.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <utility>
#include <vector>

#include "models/attention/kernels/instruction_sets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/attention/kernels/flash_tiles.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "models/attention/kernels/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zoo::flash::HWY_NAMESPACE {
using namespace vectors::HWY_NAMESPACE;

constexpr int64_t kVecs = kQueries / kLanes;  // in a row of a tile

// Sums that a block of a product keeps in registers: kMostRows x kMostVecs.
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr int kMostRows = 6, kMostVecs = 4;
#else
constexpr int kMostRows = 6, kMostVecs = 2;
#endif

constexpr int64_t kKeys = 64;       // in a tile of scores
constexpr int64_t kEdgeKeys = 16;   // in a piece at the edge of what queries see
constexpr int64_t kEdgePieces = 4;  // of which a tile holds so many
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// ---- Products -----------------------------------------------------------------------------------

// Σ_n left(row, n) right[n][vec] for a block of kR rows and kV vectors, then finish(row, vec,
// sums).
template <int kR, int kV, class Left, class Finish>
HWY_NOINLINE void multiply_block(const Left& left, const float* right, int64_t step, int64_t count,
                                 int64_t row, int64_t vec, const Finish& finish) {
  Vec sums[kR][kV];
  for (int i = 0; i < kR; ++i)
    for (int j = 0; j < kV; ++j) sums[i][j] = hn::Zero(d);
  const auto rows = left.from(row);
  right += vec * kLanes;
  for (int64_t n = 0; n < count; ++n, right += step) {
    Vec b[kV];
    for (int j = 0; j < kV; ++j) b[j] = hn::LoadU(d, right + j * kLanes);
    for (int i = 0; i < kR; ++i) {
      const Vec a = hn::Set(d, rows(i, n));
      for (int j = 0; j < kV; ++j) sums[i][j] = hn::MulAdd(a, b[j], sums[i][j]);
    }
  }
  finish(row, vec, sums);
}

template <int kV, class Left, class Finish>
HWY_INLINE void multiply_rows(int64_t rows, const Left& left, const float* right, int64_t step,
                              int64_t count, int64_t vec, const Finish& finish) {
  // Shared evenly between blocks, so that none is left with one row.
  const int64_t blocks = (rows + kMostRows - 1) / kMostRows;
  for (int64_t block = 0, row = 0, some = 0; block < blocks; ++block, row += some) {
    some = (rows - row + blocks - block - 1) / (blocks - block);
    switch (some) {
      case 1:
        multiply_block<1, kV>(left, right, step, count, row, vec, finish);
        break;
      case 2:
        multiply_block<2, kV>(left, right, step, count, row, vec, finish);
        break;
      case 3:
        multiply_block<3, kV>(left, right, step, count, row, vec, finish);
        break;
      case 4:
        multiply_block<4, kV>(left, right, step, count, row, vec, finish);
        break;
      case 5:
        multiply_block<5, kV>(left, right, step, count, row, vec, finish);
        break;
      default:
        multiply_block<6, kV>(left, right, step, count, row, vec, finish);
        break;
    }
  }
}

// Rows 0 ... rows - 1, vectors begin ... end - 1 of the product left * right. A column of vectors
// of the right factor stays in the first-level cache for all rows.
template <class Left, class Finish>
HWY_INLINE void multiply(int64_t rows, int64_t begin, int64_t end, const Left& left,
                         const float* right, int64_t step, int64_t count, const Finish& finish) {
  for (int64_t vec = begin; vec < end;) {
    const int64_t width = std::min<int64_t>(end - vec, kMostVecs);
    if (width == 1) {
      multiply_rows<1>(rows, left, right, step, count, vec, finish);
    } else if (width == 2) {
      multiply_rows<2>(rows, left, right, step, count, vec, finish);
    } else if (width == 3) {
      multiply_rows<HWY_MIN(3, kMostVecs)>(rows, left, right, step, count, vec, finish);
    } else {
      multiply_rows<kMostVecs>(rows, left, right, step, count, vec, finish);
    }
    vec += width;
  }
}

// A left factor whose rows lie `step` apart; or, Transposed, its columns.
struct Plain {
  const float* data;
  int64_t step;
  struct Block {
    const float* data;
    int64_t step;
    HWY_INLINE float operator()(int64_t i, int64_t n) const { return data[i * step + n]; }
  };
  HWY_INLINE Block from(int64_t row) const { return {data + row * step, step}; }
};
struct Transposed {
  const float* data;
  int64_t step;
  struct Block {
    const float* data;
    int64_t step;
    HWY_INLINE float operator()(int64_t i, int64_t n) const { return data[n * step + i]; }
  };
  HWY_INLINE Block from(int64_t row) const { return {data + row, step}; }
};

// Writes a block into a matrix of which a row has `step` numbers.
struct Store {
  float* out;
  int64_t step;
  template <int kR, int kV>
  HWY_INLINE void operator()(int64_t row, int64_t vec, const Vec (&sums)[kR][kV]) const {
    for (int i = 0; i < kR; ++i)
      for (int j = 0; j < kV; ++j)
        hn::StoreU(sums[i][j], d, out + (row + i) * step + (vec + j) * kLanes);
  }
};
struct Add {
  float* out;
  int64_t step;
  template <int kR, int kV>
  HWY_INLINE void operator()(int64_t row, int64_t vec, const Vec (&sums)[kR][kV]) const {
    for (int i = 0; i < kR; ++i) {
      for (int j = 0; j < kV; ++j) {
        float* const at = out + (row + i) * step + (vec + j) * kLanes;
        hn::StoreU(hn::Add(sums[i][j], hn::LoadU(d, at)), d, at);
      }
    }
  }
};

// ---- Numbers ------------------------------------------------------------------------------------

#if HWY_TARGET != HWY_SCALAR
using Tag4 = hn::FixedTag<float, 4>;
constexpr Tag4 d4;

// Four rows of four numbers become four columns.
HWY_INLINE void transpose4(hn::Vec<Tag4> (&rows)[4]) {
  const auto ab_low = hn::InterleaveLower(d4, rows[0], rows[1]);   // a0 b0 a1 b1
  const auto ab_high = hn::InterleaveUpper(d4, rows[0], rows[1]);  // a2 b2 a3 b3
  const auto cd_low = hn::InterleaveLower(d4, rows[2], rows[3]);
  const auto cd_high = hn::InterleaveUpper(d4, rows[2], rows[3]);
  rows[0] = hn::ConcatLowerLower(d4, cd_low, ab_low);  // a0 b0 c0 d0
  rows[1] = hn::ConcatUpperUpper(d4, cd_low, ab_low);
  rows[2] = hn::ConcatLowerLower(d4, cd_high, ab_high);
  rows[3] = hn::ConcatUpperUpper(d4, cd_high, ab_high);
}
#endif

// out[column][row] = factor * in[row][column] for rows of `Dh` numbers; out has kQueries columns,
// of which those past `rows` become 0.
HWY_INLINE void pack(const float* in, int64_t step, int64_t rows, int64_t Dh, float factor,
                     float* out) {
  int64_t done_rows = 0, done_columns = 0;
#if HWY_TARGET != HWY_SCALAR
  done_rows = rows / 4 * 4, done_columns = Dh / 4 * 4;
  const auto times = hn::Set(d4, factor);
  for (int64_t row = 0; row < done_rows; row += 4) {
    for (int64_t column = 0; column < done_columns; column += 4) {
      hn::Vec<Tag4> block[4];
      for (int64_t i = 0; i < 4; ++i)
        block[i] = hn::Mul(times, hn::LoadU(d4, in + (row + i) * step + column));
      transpose4(block);
      for (int64_t i = 0; i < 4; ++i) hn::StoreU(block[i], d4, out + (column + i) * kQueries + row);
    }
  }
#endif
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = row < done_rows ? done_columns : 0; column < Dh; ++column)
      out[column * kQueries + row] = factor * in[row * step + column];
  }
  if (rows == kQueries) return;
  for (int64_t column = 0; column < Dh; ++column)
    std::fill(out + column * kQueries + rows, out + (column + 1) * kQueries, 0.0F);
}

// out[row][column] = factor[row] * in[column][row]: the way back.
HWY_INLINE void unpack(const float* in, int64_t rows, int64_t Dh, const float* factor, float* out,
                       int64_t step) {
  int64_t done_rows = 0, done_columns = 0;
#if HWY_TARGET != HWY_SCALAR
  done_rows = rows / 4 * 4, done_columns = Dh / 4 * 4;
  for (int64_t row = 0; row < done_rows; row += 4) {
    const auto times = hn::LoadU(d4, factor + row);
    for (int64_t column = 0; column < done_columns; column += 4) {
      hn::Vec<Tag4> block[4];
      for (int64_t i = 0; i < 4; ++i)
        block[i] = hn::Mul(times, hn::LoadU(d4, in + (column + i) * kQueries + row));
      transpose4(block);
      for (int64_t i = 0; i < 4; ++i) hn::StoreU(block[i], d4, out + (row + i) * step + column);
    }
  }
#endif
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = row < done_rows ? done_columns : 0; column < Dh; ++column)
      out[row * step + column] = factor[row] * in[column * kQueries + row];
  }
}

// ---- What the queries of a tile see -------------------------------------------------------------

// A run of keys against a run of the tile's vectors. Where `edge`, some of these queries do not see
// some of these keys.
struct Piece {
  int64_t key, keys, begin, end;
  bool edge;
};

class View {
 public:
  View(const PlainCall<float>& call, int64_t b, int64_t first_query, int64_t queries)
      : vecs_((queries + kLanes - 1) / kLanes) {
    for (int64_t i = 0; i < kQueries; ++i) {
      const KeyRange range = call.keys_of(b, first_query + std::min(i, queries - 1));
      begin_[i] = static_cast<int32_t>(range.begin);
      end_[i] = static_cast<int32_t>(range.end);
    }
  }

  // Calls each(pieces, count) for groups of pieces, of kKeys keys at most: first what all queries
  // see, in large pieces, then the two edges, in small ones that leave out queries which see none.
  template <class Each>
  HWY_INLINE void for_each_group(const Each& each) const {
    const int64_t first = begin_[0], last = end_[kQueries - 1];
    const auto up = [](int64_t s) { return (s + kEdgeKeys - 1) / kEdgeKeys * kEdgeKeys; };
    int64_t begin = begin_[kQueries - 1], end = end_[0];
    if (begin > first) begin = up(begin);
    if (end < last) end = end / kEdgeKeys * kEdgeKeys;
    if (begin >= end) return edge_groups(first, last, each);
    for (int64_t key = begin; key < end; key += kKeys) {
      const Piece piece{key, std::min(kKeys, end - key), 0, vecs_, false};
      each(&piece, 1);
    }
    edge_groups(first, begin, each);
    edge_groups(end, last, each);
  }

  // -inf to the scores that are not seen.
  HWY_INLINE void hide(const Piece& piece, float* scores) const {
    const hn::RebindToSigned<Tag> integers;
    const auto key = hn::Set(integers, static_cast<int32_t>(piece.key));
    const Vec hidden = hn::Set(d, -kInfinity);
    for (int64_t vec = piece.begin; vec < piece.end; ++vec) {
      const int64_t one = vec * kLanes, other = one + kLanes - 1;
      if (begin_[other] <= piece.key && end_[one] >= piece.key + piece.keys) continue;
      const auto from = [&](const int32_t* bound) HWY_ATTR {
        return hn::ConvertTo(d, hn::Sub(hn::LoadU(integers, bound + vec * kLanes), key));
      };
      const Vec begin = from(begin_), end = from(end_);
      for (int64_t row = 0; row < piece.keys; ++row) {
        const Vec place = hn::Set(d, static_cast<float>(row));
        float* const at = scores + row * kQueries + vec * kLanes;
        const auto seen = hn::And(hn::Ge(place, begin), hn::Lt(place, end));
        hn::StoreU(hn::IfThenElse(seen, hn::LoadU(d, at), hidden), d, at);
      }
    }
  }

 private:
  template <class Each>
  HWY_INLINE void edge_groups(int64_t first, int64_t last, const Each& each) const {
    Piece pieces[kEdgePieces];
    int64_t count = 0;
    for (int64_t key = first; key < last; key += kEdgeKeys) {
      const int64_t keys = std::min(kEdgeKeys, last - key);
      const auto unseen = [&](int64_t vec) {
        const int64_t one = vec * kLanes, other = one + kLanes - 1;
        return begin_[one] >= key + keys || end_[other] <= key;
      };
      int64_t begin = 0, end = vecs_;
      while (begin < end && unseen(begin)) ++begin;
      while (begin < end && unseen(end - 1)) --end;
      if (begin < end) pieces[count++] = {key, keys, begin, end, true};
      if (count < kEdgePieces) continue;
      each(pieces, count);
      count = 0;
    }
    if (count > 0) each(pieces, count);
  }

  int64_t vecs_;  // that hold queries
  alignas(64) int32_t begin_[kQueries], end_[kQueries];
};

// ---- What forward and backward share ------------------------------------------------------------

// One tile of queries at work.
struct Tile {
  const PlainCall<float>& call;
  int64_t b, h, first, queries;

  Tile(const PlainCall<float>& call_, int64_t b_, int64_t h_, int64_t tile)
      : call(call_),
        b(b_),
        h(h_),
        first(tile * kQueries),
        queries(std::min(kQueries, call_.T - first)) {}

  // Calls f(query, its place in the tile) for the queries of a piece.
  template <class F>
  HWY_INLINE void for_each_query(const Piece& piece, const F& f) const {
    const int64_t last = std::min(queries, piece.end * kLanes);
    for (int64_t i = piece.begin * kLanes; i < last; ++i) f(first + i, i);
  }
  void add_terms(const Piece& piece, float* scores) const {
    for_each_query(piece, [&](int64_t t, int64_t i) {
      call.add_terms(b, h, t, {piece.key, piece.key + piece.keys}, kLog2E, scores + i, kQueries);
    });
  }
  void drop(const Piece& piece, float* weights) const {
    for_each_query(piece, [&](int64_t t, int64_t i) {
      call.drop(b, h, t, {piece.key, piece.key + piece.keys}, weights + i, kQueries);
    });
  }
};

// Calls f(at) for the vectors of a piece, down the rows; at is their place in the tile.
template <class F>
HWY_INLINE void for_each_vec(const Piece& piece, int64_t vec, const F& f) {
  for (int64_t row = 0; row < piece.keys; ++row) f(row * kQueries + vec * kLanes);
}

// Memory of one thread, kept between tiles: `size` floats that begin a cache line.
float* scratch(int64_t size) {
  thread_local std::vector<float> memory;
  const auto wanted = static_cast<size_t>(size) + 16;
  if (memory.size() < wanted) memory.resize(wanted);
  const auto address = reinterpret_cast<uintptr_t>(memory.data());
  return memory.data() + (64 - address % 64) % 64 / sizeof(float);
}

// ---- Forward ------------------------------------------------------------------------------------

class Forward {
 public:
  Forward(const PlainCall<float>& call, int64_t b, int64_t h, int64_t tile)
      : tile_(call, b, h, tile) {
    const int64_t Dh = call.Dh;
    q_ = scratch((2 * Dh + kKeys) * kQueries);
    y_ = q_ + Dh * kQueries;
    scores_ = y_ + Dh * kQueries;
    keys_ = call.k.at(b, call.kv_head(h), 0);
    values_ = call.v.at(b, call.kv_head(h), 0);
    pack(call.q.at(b, h, tile_.first), call.q.step, tile_.queries, Dh, call.scale * kLog2E, q_);
    std::fill(y_, y_ + Dh * kQueries, 0.0F);
    std::fill(top_, top_ + kQueries, -kInfinity);
    std::fill(sum_, sum_ + kQueries, 0.0F);
  }

  void run(const PlainResult<float>& result) {
    const PlainCall<float>& call = tile_.call;
    view_.for_each_group([&](const Piece* pieces, int64_t count) HWY_ATTR { add(pieces, count); });
    alignas(64) float inverse[kQueries];
    for (int64_t i = 0; i < kQueries; ++i) inverse[i] = sum_[i] == 0.0F ? 0.0F : 1.0F / sum_[i];
    unpack(y_, tile_.queries, call.Dh, inverse, result.y.at(tile_.b, tile_.h, tile_.first),
           result.y.step);
    if (result.log_sums == nullptr) return;
    float* const log_sums = result.log_sums + (tile_.b * call.H + tile_.h) * call.T + tile_.first;
    for (int64_t i = 0; i < tile_.queries; ++i) {
      log_sums[i] = sum_[i] == 0.0F ? kInfinity : top_[i] + std::log2(sum_[i]);
    }
  }

 private:
  // The next keys: the online softmax (Milakov and Gimelshein 2018) on a tile.
  void add(const Piece* pieces, int64_t count) {
    HWY_ALIGN float top[kQueries];
    std::memcpy(top, top_, sizeof top);
    float* scores = scores_;
    for (int64_t n = 0; n < count; ++n, scores += kEdgeKeys * kQueries)
      find_scores(pieces[n], scores, top);
    // Sums so far, in the new unit.
    for (int64_t vec = 0; vec < kVecs; ++vec) {
      const int64_t at = vec * kLanes;
      const Vec now = hn::LoadU(d, top + at);
      const Vec shrink = exp2(hn::Sub(hn::LoadU(d, top_ + at), finite(now)));
      hn::StoreU(now, d, top_ + at);
      hn::StoreU(shrink, d, shrink_ + at);
      hn::StoreU(hn::Mul(hn::LoadU(d, sum_ + at), shrink), d, sum_ + at);
    }
    const bool whole = count == 1 && !pieces[0].edge;
    if (!whole && std::exchange(has_values_, true)) {
      for (int64_t row = 0; row < tile_.call.Dh; ++row) {
        for (int64_t at = 0; at < kQueries; at += kLanes) {
          float* const y = y_ + row * kQueries + at;
          hn::StoreU(hn::Mul(hn::LoadU(d, y), hn::LoadU(d, shrink_ + at)), d, y);
        }
      }
    }
    scores = scores_;
    for (int64_t n = 0; n < count; ++n, scores += kEdgeKeys * kQueries) {
      weigh(pieces[n], scores);
      add_values(pieces[n], scores, whole);
    }
  }

  // A row that has seen nothing yet keeps its maximum of -inf; to subtract it would give NaN.
  static HWY_INLINE Vec finite(Vec top) {
    return hn::IfThenElse(hn::Eq(top, hn::Set(d, -kInfinity)), hn::Zero(d), top);
  }

  HWY_INLINE void find_scores(const Piece& piece, float* scores, float* top) const {
    const PlainCall<float>& call = tile_.call;
    const Plain keys{keys_ + piece.key * call.k.step, call.k.step};
    const auto store = Store{scores, kQueries};
    const bool bare = !piece.edge && !call.has_terms();
    if (bare) {
      multiply(piece.keys, piece.begin, piece.end, keys, q_, kQueries, call.Dh,
               StoreAndTop{store, top});
      return;
    }
    multiply(piece.keys, piece.begin, piece.end, keys, q_, kQueries, call.Dh, store);
    if (call.has_terms()) tile_.add_terms(piece, scores);
    if (piece.edge) view_.hide(piece, scores);
    for (int64_t vec = piece.begin; vec < piece.end; ++vec) {
      Vec most = hn::LoadU(d, top + vec * kLanes);
      for_each_vec(piece, vec,
                   [&](int64_t at) HWY_ATTR { most = hn::Max(most, hn::LoadU(d, scores + at)); });
      hn::StoreU(most, d, top + vec * kLanes);
    }
  }

  struct StoreAndTop {
    Store store;
    float* top;
    template <int kR, int kV>
    HWY_INLINE void operator()(int64_t row, int64_t vec, const Vec (&sums)[kR][kV]) const {
      store(row, vec, sums);
      for (int j = 0; j < kV; ++j) {
        float* const at = top + (vec + j) * kLanes;
        Vec most = hn::LoadU(d, at);
        for (int i = 0; i < kR; ++i) most = hn::Max(most, sums[i][j]);
        hn::StoreU(most, d, at);
      }
    }
  };

  HWY_INLINE void weigh(const Piece& piece, float* scores) {
    for (int64_t vec = piece.begin; vec < piece.end; ++vec) {
      const Vec top = finite(hn::LoadU(d, top_ + vec * kLanes));
      Vec sum = hn::LoadU(d, sum_ + vec * kLanes);
      for_each_vec(piece, vec, [&](int64_t at) HWY_ATTR {
        const Vec weight = exp2(hn::Sub(hn::LoadU(d, scores + at), top));
        sum = hn::Add(sum, weight);
        hn::StoreU(weight, d, scores + at);
      });
      hn::StoreU(sum, d, sum_ + vec * kLanes);
    }
    if (tile_.call.dropout > 0.0) tile_.drop(piece, scores);
  }

  HWY_INLINE void add_values(const Piece& piece, const float* weights, bool whole) {
    const PlainCall<float>& call = tile_.call;
    const Transposed values{values_ + piece.key * call.v.step, call.v.step};
    if (whole) {
      has_values_ = true;
      multiply(call.Dh, 0, piece.end, values, weights, kQueries, piece.keys, Shrink{y_, shrink_});
    } else {
      multiply(call.Dh, piece.begin, piece.end, values, weights, kQueries, piece.keys,
               Add{y_, kQueries});
    }
  }

  struct Shrink {
    float* y;
    const float* shrink;
    template <int kR, int kV>
    HWY_INLINE void operator()(int64_t row, int64_t vec, const Vec (&sums)[kR][kV]) const {
      for (int j = 0; j < kV; ++j) {
        const Vec factor = hn::LoadU(d, shrink + (vec + j) * kLanes);
        for (int i = 0; i < kR; ++i) {
          float* const at = y + (row + i) * kQueries + (vec + j) * kLanes;
          hn::StoreU(hn::MulAdd(factor, hn::LoadU(d, at), sums[i][j]), d, at);
        }
      }
    }
  };

  const Tile tile_;
  const View view_{tile_.call, tile_.b, tile_.first, tile_.queries};
  float *q_, *y_, *scores_;  // transposed: [Dh, kQueries], [Dh, kQueries], [kKeys, kQueries]
  const float *keys_, *values_;
  HWY_ALIGN float top_[kQueries];  // of a query: the largest score so far,
  HWY_ALIGN float sum_[kQueries];  // the sum of 2^(score - top)
  HWY_ALIGN float shrink_[kQueries];
  bool has_values_ = false;  // in y_
};

void forward_tile(const PlainCall<float>& call, const PlainResult<float>& result, int64_t b,
                  int64_t h, int64_t tile) {
  Forward(call, b, h, tile).run(result);
}

// ---- Backward -----------------------------------------------------------------------------------

class Backward {
 public:
  Backward(const PlainCall<float>& call, const PlainGradients<float>& gradients, int64_t b,
           int64_t h, int64_t tile, float* dk, float* dv)
      : tile_(call, b, h, tile), gradients_(gradients), dk_(dk), dv_(dv), width_(padded(call.Dh)) {
    const int64_t Dh = call.Dh, side = Dh * kQueries, rows = width_ * kQueries;
    float* memory = scratch(3 * side + 3 * kKeys * kQueries + 2 * rows);
    const auto take = [&](int64_t size) { return std::exchange(memory, memory + size); };
    q_t_ = take(side), dy_t_ = take(side), dq_t_ = take(side);
    weights_ = take(kKeys * kQueries), kept_ = take(kKeys * kQueries),
    dscores_ = take(kKeys * kQueries);
    keys_ = call.k.at(b, call.kv_head(h), 0);
    values_ = call.v.at(b, call.kv_head(h), 0);
    const float* const q = call.q.at(b, h, tile_.first);
    const float* const dy = gradients.dy.at(b, h, tile_.first);
    pack(q, call.q.step, tile_.queries, Dh, call.scale * kLog2E, q_t_);
    pack(dy, gradients.dy.step, tile_.queries, Dh, 1.0F, dy_t_);
    q_ = whole_vectors(q, call.q.step, take(rows));
    dy_ = whole_vectors(dy, gradients.dy.step, take(rows));
    std::fill(dq_t_, dq_t_ + side, 0.0F);
    read_rows();
  }

  void run() {
    const PlainCall<float>& call = tile_.call;
    view_.for_each_group([&](const Piece* pieces, int64_t count) HWY_ATTR {
      for (int64_t n = 0; n < count; ++n) add(pieces[n]);
    });
    HWY_ALIGN float scale[kQueries];
    std::fill(scale, scale + kQueries, call.scale);
    unpack(dq_t_, tile_.queries, call.Dh, scale, gradients_.dq.at(tile_.b, tile_.h, tile_.first),
           gradients_.dq.step);
  }

 private:
  struct Matrix {
    const float* data;
    int64_t step;
  };

  // Rows of whole vectors: those of the tensor where they are, else a copy with zeros behind.
  HWY_INLINE Matrix whole_vectors(const float* rows, int64_t step, float* copy) const {
    const int64_t Dh = tile_.call.Dh;
    if (width_ == Dh) return {rows, step};
    for (int64_t i = 0; i < tile_.queries; ++i) {
      std::copy(rows + i * step, rows + i * step + Dh, copy + i * width_);
      std::fill(copy + i * width_ + Dh, copy + (i + 1) * width_, 0.0F);
    }
    return {copy, width_};
  }

  // Of each query: the logarithm of its sum, and y dy, by which its softmax pulls all its scores
  // back.
  void read_rows() {
    const PlainCall<float>& call = tile_.call;
    const float* const log_sums =
        gradients_.log_sums + (tile_.b * call.H + tile_.h) * call.T + tile_.first;
    std::fill(log_sum_, log_sum_ + kQueries, kInfinity);
    std::copy(log_sums, log_sums + tile_.queries, log_sum_);
    std::fill(pull_, pull_ + kQueries, 0.0F);
    for (int64_t i = 0; i < tile_.queries; ++i) {
      const float* const y = gradients_.y.at(tile_.b, tile_.h, tile_.first + i);
      const float* const dy = gradients_.dy.at(tile_.b, tile_.h, tile_.first + i);
      Vec sum = hn::Zero(d);
      int64_t n = 0;
      for (; n + kLanes <= call.Dh; n += kLanes)
        sum = hn::MulAdd(hn::LoadU(d, y + n), hn::LoadU(d, dy + n), sum);
      float rest = 0;
      for (; n < call.Dh; ++n) rest += y[n] * dy[n];
      pull_[i] = hn::GetLane(hn::SumOfLanes(d, sum)) + rest;
    }
  }

  // weights = exp(scores - log sum), dweights = dy v, dscores = weights * (dweights - y dy), and
  // from these the gradients.
  HWY_INLINE void add(const Piece& piece) {
    const PlainCall<float>& call = tile_.call;
    const bool drops = call.dropout > 0.0;
    const Plain keys{keys_ + piece.key * call.k.step, call.k.step};
    const Plain values{values_ + piece.key * call.v.step, call.v.step};
    multiply(piece.keys, piece.begin, piece.end, keys, q_t_, kQueries, call.Dh,
             Store{weights_, kQueries});
    if (call.has_terms()) tile_.add_terms(piece, weights_);
    if (piece.edge) view_.hide(piece, weights_);
    for (int64_t vec = piece.begin; vec < piece.end; ++vec) {
      const Vec log_sum = hn::LoadU(d, log_sum_ + vec * kLanes);
      for_each_vec(piece, vec, [&](int64_t at) HWY_ATTR {
        hn::StoreU(exp2(hn::Sub(hn::LoadU(d, weights_ + at), log_sum)), d, weights_ + at);
      });
    }
    const float* used = weights_;  // after dropout
    multiply(piece.keys, piece.begin, piece.end, values, dy_t_, kQueries, call.Dh,
             Store{dscores_, kQueries});
    if (drops) used = drop(piece);
    for (int64_t vec = piece.begin; vec < piece.end; ++vec) {
      const Vec pull = hn::LoadU(d, pull_ + vec * kLanes);
      for_each_vec(piece, vec, [&](int64_t at) HWY_ATTR {
        const Vec pulled = hn::Sub(hn::LoadU(d, dscores_ + at), pull);
        hn::StoreU(hn::Mul(pulled, hn::LoadU(d, weights_ + at)), d, dscores_ + at);
      });
    }
    add_to_keys(piece, used, dy_, dv_);
    add_to_keys(piece, dscores_, q_, dk_);
    multiply(call.Dh, piece.begin, piece.end, Transposed{keys.data, keys.step}, dscores_, kQueries,
             piece.keys, Add{dq_t_, kQueries});
  }

  // Weights after dropout; and dropout's factors on the gradients of the weights.
  HWY_INLINE const float* drop(const Piece& piece) {
    const auto each = [&](auto f) HWY_ATTR {
      for (int64_t vec = piece.begin; vec < piece.end; ++vec) for_each_vec(piece, vec, f);
    };
    each([&](int64_t at) HWY_ATTR { hn::StoreU(hn::Set(d, 1.0F), d, kept_ + at); });
    tile_.drop(piece, kept_);
    each([&](int64_t at) HWY_ATTR {
      const Vec kept = hn::LoadU(d, kept_ + at);
      hn::StoreU(hn::Mul(hn::LoadU(d, dscores_ + at), kept), d, dscores_ + at);
      hn::StoreU(hn::Mul(hn::LoadU(d, weights_ + at), kept), d, kept_ + at);
    });
    return kept_;
  }

  // sums[key] += Σ_query tile[key][query] right[query].
  HWY_INLINE void add_to_keys(const Piece& piece, const float* tile, const Matrix& right,
                              float* sums) const {
    const int64_t begin = piece.begin * kLanes, end = std::min(tile_.queries, piece.end * kLanes);
    multiply(piece.keys, 0, width_ / kLanes, Plain{tile + begin, kQueries},
             right.data + begin * right.step, right.step, end - begin,
             Add{sums + piece.key * width_, width_});
  }

  const Tile tile_;
  const View view_{tile_.call, tile_.b, tile_.first, tile_.queries};
  const PlainGradients<float>& gradients_;
  float *dk_, *dv_;
  int64_t width_;                      // of rows in whole vectors
  float *q_t_, *dy_t_, *dq_t_;         // [Dh, kQueries]
  float *weights_, *kept_, *dscores_;  // [kKeys, kQueries]
  const float *keys_, *values_;
  Matrix q_, dy_;  // [kQueries, width_]
  HWY_ALIGN float log_sum_[kQueries];
  HWY_ALIGN float pull_[kQueries];
};

void backward_tile(const PlainCall<float>& call, const PlainGradients<float>& gradients, int64_t b,
                   int64_t h, int64_t tile, float* dk, float* dv) {
  Backward(call, gradients, b, h, tile, dk, dv).run();
}

const char* instruction_set() { return hwy::TargetName(HWY_TARGET); }

}  // namespace zoo::flash::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace zoo::flash {
HWY_EXPORT(forward_tile);
HWY_EXPORT(backward_tile);
HWY_EXPORT(instruction_set);

void forward_tile(const PlainCall<float>& call, const PlainResult<float>& result, int64_t b,
                  int64_t h, int64_t tile) {
  HWY_DYNAMIC_DISPATCH(forward_tile)(call, result, b, h, tile);
}

void backward_tile(const PlainCall<float>& call, const PlainGradients<float>& gradients, int64_t b,
                   int64_t h, int64_t tile, float* dk, float* dv) {
  HWY_DYNAMIC_DISPATCH(backward_tile)(call, gradients, b, h, tile, dk, dv);
}

std::string instruction_set() { return HWY_DYNAMIC_DISPATCH(instruction_set)(); }

namespace {

// Bits of what the processor knows and the program has; a smaller bit is a better set.
int64_t usable_sets() {
  static const int64_t usable = hwy::SupportedTargets() & HWY_TARGETS;
  return usable;
}

}  // namespace

std::vector<std::string> instruction_sets() {
  std::vector<std::string> names;
  for (int64_t left = usable_sets(); left != 0; left &= left - 1)
    names.emplace_back(hwy::TargetName(left & -left));
  return names;
}

void use_instruction_set(std::string_view name) {
  std::string known;
  for (int64_t left = usable_sets(); left != 0; left &= left - 1) {
    const int64_t set = left & -left;
    if (hwy::TargetName(set) == name) return hwy::GetChosenTarget().Update(set);
    known += (known.empty() ? "" : ", ") + std::string(hwy::TargetName(set));
  }
  throw std::invalid_argument("no instruction set '" + std::string(name) +
                              "' here; there are: " + known);
}

}  // namespace zoo::flash
#endif
