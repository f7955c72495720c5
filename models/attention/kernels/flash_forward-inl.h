// The forward pass of a tile of queries: the online softmax (Milakov and Gimelshein 2018) on tiles.
#if defined(ZOO_FLASH_FORWARD_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ZOO_FLASH_FORWARD_INL_H
#undef ZOO_FLASH_FORWARD_INL_H
#else
#define ZOO_FLASH_FORWARD_INL_H
#endif

#include <cstring>

#include "models/attention/kernels/flash_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zoo::flash::HWY_NAMESPACE {
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
    view_.for_each_group([&](const Group& group) HWY_ATTR { add(group); });
    alignas(64) float inverse[kQueries];
    for (int64_t i = 0; i < kQueries; ++i) inverse[i] = sum_[i] == 0.0F ? 0.0F : 1.0F / sum_[i];
    unpack(y_, tile_.queries, call.Dh, inverse, result.y.at(tile_.b, tile_.h, tile_.first),
           result.y.step);
    if (result.tops == nullptr) return;
    const int64_t place = (tile_.b * call.H + tile_.h) * call.T + tile_.first;
    for (int64_t i = 0; i < tile_.queries; ++i) {
      result.tops[place + i] = sum_[i] == 0.0F ? 0.0F : top_[i];
      result.inverse_sums[place + i] = inverse[i];
    }
  }

 private:
  // The next keys: the online softmax (Milakov and Gimelshein 2018) on a tile.
  void add(const Group& group) {
    HWY_ALIGN float top[kQueries];
    std::memcpy(top, top_, sizeof top);
    for (int64_t n = 0; n < group.count; ++n)
      find_scores(group.strips[n], group.place(group.strips[n], scores_), top);
    // Sums so far, in the new unit.
    for (int64_t vec = 0; vec < kVecs; ++vec) {
      const int64_t at = vec * kLanes;
      const Vec now = hn::LoadU(d, top + at);
      const Vec shrink = exp2(hn::Sub(hn::LoadU(d, top_ + at), finite(now)));
      hn::StoreU(now, d, top_ + at);
      hn::StoreU(shrink, d, shrink_ + at);
      hn::StoreU(hn::Mul(hn::LoadU(d, sum_ + at), shrink), d, sum_ + at);
    }
    // What is in no strip has seen no new keys: it does not shrink.
    for (int64_t n = 0; n < group.count; ++n) {
      const Piece& strip = group.strips[n];
      float* const scores = group.place(strip, scores_);
      weigh(strip, scores);
      const Transposed values{values_ + strip.key * tile_.call.v.step, tile_.call.v.step};
      multiply(tile_.call.Dh, strip.begin, strip.end, values, scores, kQueries, strip.keys,
               Shrink{y_, shrink_});
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
};

void forward_tile(const PlainCall<float>& call, const PlainResult<float>& result, int64_t b,
                  int64_t h, int64_t tile) {
  Forward(call, b, h, tile).run(result);
}

}  // namespace zoo::flash::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
