// Small matrix products with sums kept in registers, and transposition, compiled for each
// instruction set.
#if defined(ZOO_PRODUCTS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ZOO_PRODUCTS_INL_H
#undef ZOO_PRODUCTS_INL_H
#else
#define ZOO_PRODUCTS_INL_H
#endif

#include <cstdint>

#include "models/simd/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zoo::vectors::HWY_NAMESPACE {
// The largest block whose sums stay in registers: kMostRows x kMostVecs.
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr int kMostRows = 6, kMostVecs = 4;
#else
constexpr int kMostRows = 6, kMostVecs = 2;
#endif

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
  // Rows are spread evenly over blocks, so that no block is left with one row.
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
// of the right factor stays in the L1 cache for all rows.
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

// A left factor with a row stride of `step`; if Transposed, `step` is the stride of its columns.
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

// Writes a block into a matrix with a row stride of `step`.
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

// out[column][row] = factors[column * each] * in[row][column]. each: 1, or 0 for one factor for all
// columns.
HWY_INLINE void transpose(const float* in, int64_t in_step, int64_t rows, int64_t columns,
                          const float* factors, int64_t each, float* out, int64_t out_step) {
  int64_t done_rows = 0, done_columns = 0;
#if HWY_TARGET != HWY_SCALAR
  done_rows = rows / 4 * 4, done_columns = columns / 4 * 4;
  for (int64_t column = 0; column < done_columns; column += 4) {
    const auto times = each == 0 ? hn::Set(d4, *factors) : hn::LoadU(d4, factors + column);
    for (int64_t row = 0; row < done_rows; row += 4) {
      hn::Vec<Tag4> block[4];
      for (int64_t i = 0; i < 4; ++i)
        block[i] = hn::Mul(times, hn::LoadU(d4, in + (row + i) * in_step + column));
      transpose4(block);
      for (int64_t i = 0; i < 4; ++i) hn::StoreU(block[i], d4, out + (column + i) * out_step + row);
    }
  }
#endif
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = row < done_rows ? done_columns : 0; column < columns; ++column)
      out[column * out_step + row] = factors[column * each] * in[row * in_step + column];
  }
}

}  // namespace zoo::vectors::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
