// The bias by distance of a tile of queries, and its gradient.
#if defined(ZOO_FLASH_RELATIVE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ZOO_FLASH_RELATIVE_INL_H
#undef ZOO_FLASH_RELATIVE_INL_H
#else
#define ZOO_FLASH_RELATIVE_INL_H
#endif

#include <algorithm>
#include <limits>
#include <vector>

#include "models/attention/kernels/flash_view-inl.h"
#include "models/simd/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zoo::flash::HWY_NAMESPACE {
using namespace vectors::HWY_NAMESPACE;

// In a tile a row is a key and the lanes of a vector are queries, so a row's biases are neighbours
// in a table by distance: entry query - key + last_. One load serves a vector. The table holds the
// keys that the tile sees of a segment; the gradient is summed in a second one.
class RelativeBias {
 public:
  explicit RelativeBias(const KernelArgs<float>& args) : args_(args) {}

  // Makes the tables of a segment.
  void look_at(const QueryBlock& of, KeyRange segment) {
    size_ = 0;
    if (args_.relative_bias == nullptr) return;
    const KeyRange keys = keys_of_any(args_, of, segment);
    if (keys.empty()) return;
    last_ = keys.end - 1;
    position_ = args_.query_position(of.b, of.first);
    size_ = keys.end - keys.begin + kQueries - 1;
    thread_local std::vector<float> memory;
    if (memory.size() < static_cast<size_t>(2 * size_))
      memory.resize(static_cast<size_t>(2 * size_));
    biases_ = memory.data();
    sums_ = biases_ + size_;
    const float* const table = args_.relative_bias + of.h * (args_.T + args_.S - 1);
    for (int64_t n = 0; n < size_; ++n) {
      const float bias = table[entry(n)];
      biases_[n] = bias < kLowest ? bias : std::max(bias * kLog2E, kLowest);
    }
  }

  // To scores in units of 1 / log2(e). Bounds are those of KernelArgs::add_bias_and_mask.
  void add(const Piece& piece, float* scores) const {
    const Vec lowest = hn::Set(d, kLowest);
    each(piece, 1, [&](int64_t at, int64_t n) HWY_ATTR {
      const Vec score = hn::LoadU(d, scores + at), bias = hn::LoadU(d, biases_ + n);
      const Vec sum = hn::Max(hn::Add(score, bias), lowest);
      const Vec visible = hn::IfThenElse(hn::Ge(score, lowest), sum, score);
      hn::StoreU(hn::IfThenElse(hn::Lt(bias, lowest), bias, visible), d, scores + at);
    });
  }

  void clear_sums() const {
    if (size_ > 0) std::fill(sums_, sums_ + size_, 0.0F);
  }
  // The sums of two keys in a row overlap: a processor that has just stored one waits before it can
  // load the other. So the next key is kLanes further on.
  void add_to_sums(const Piece& piece, const float* dscores) const {
    each(piece, kLanes, [&](int64_t at, int64_t n) HWY_ATTR {
      hn::StoreU(hn::Add(hn::LoadU(d, sums_ + n), hn::LoadU(d, dscores + at)), d, sums_ + n);
    });
  }
  // Adds the sums to the gradient [T + S - 1] of the head's table.
  void write_sums(float* drelative) const {
    for (int64_t n = 0; n < size_; ++n) drelative[entry(n)] += sums_[n];
  }

 private:
  static constexpr float kLowest = std::numeric_limits<float>::lowest();

  int64_t entry(int64_t n) const { return args_.relative_entry(position_ + n - last_, 0); }

  // Calls f(offset in the tile, entry) for all vectors of a piece, `step` keys apart.
  template <class F>
  HWY_INLINE void each(const Piece& piece, int64_t step, const F& f) const {
    for (int64_t start = 0; start < std::min(step, piece.keys); ++start) {
      for (int64_t row = start; row < piece.keys; row += step) {
        for (int64_t vec = piece.begin; vec < piece.end; ++vec)
          f(row * kQueries + vec * kLanes, vec * kLanes - piece.key - row + last_);
      }
    }
  }

  const KernelArgs<float>& args_;
  int64_t last_ = 0, position_ = 0, size_ = 0;  // the last key; the first query's position
  float *biases_ = nullptr, *sums_ = nullptr;
};

}  // namespace zoo::flash::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
