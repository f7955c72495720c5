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
  Forward(const KernelArgs<float>& args, int64_t b, int64_t h, int64_t tile)
      : tile_(args, b, h, tile) {
    const int64_t Dh = args.Dh;
    q_ = scratch((2 * Dh + kKeys) * kQueries);
    y_ = q_ + Dh * kQueries;
    scores_ = y_ + Dh * kQueries;
    keys_ = args.k.at(b, args.kv_head(h), 0);
    values_ = args.v.at(b, args.kv_head(h), 0);
    pack(args.q.at(b, h, tile_.first), args.q.step, tile_.queries, Dh, tile_.query_factor(), q_);
    std::fill(y_, y_ + Dh * kQueries, 0.0F);
    std::fill(row_max_, row_max_ + kQueries, -kInfinity);
    std::fill(row_sum_, row_sum_ + kQueries, 0.0F);
  }

  void run(const KernelOutputs<float>& outputs) {
    const KernelArgs<float>& args = tile_.args;
    for_each_segment(args, tile_.block(), [&](KeyRange segment) HWY_ATTR {
      view_.look_at(args, tile_.block(), segment);
      tile_.relative.look_at(tile_.block(), segment);
      view_.for_each_group([&](const Group& group) HWY_ATTR { add(group); });
    });
    alignas(64) float inverse[kQueries];
    for (int64_t i = 0; i < kQueries; ++i)
      inverse[i] = row_sum_[i] == 0.0F ? 0.0F : 1.0F / row_sum_[i];
    unpack(y_, tile_.queries, args.Dh, inverse, outputs.y.at(tile_.b, tile_.h, tile_.first),
           outputs.y.step);
    if (outputs.row_max == nullptr) return;
    const int64_t first_row = (tile_.b * args.H + tile_.h) * args.T + tile_.first;
    for (int64_t i = 0; i < tile_.queries; ++i) {
      outputs.row_max[first_row + i] = row_sum_[i] == 0.0F ? 0.0F : row_max_[i];
      outputs.inverse_row_sum[first_row + i] = inverse[i];
    }
  }

 private:
  void add(const Group& group) {
    HWY_ALIGN float row_max[kQueries];
    std::memcpy(row_max, row_max_, sizeof row_max);
    for (int64_t n = 0; n < group.count; ++n)
      compute_scores(group.strips[n], group.scores_of(group.strips[n], scores_), row_max);
    // Rescale the sums so far to the new maximum.
    for (int64_t vec = 0; vec < kVecs; ++vec) {
      const int64_t at = vec * kLanes;
      const Vec new_max = hn::LoadU(d, row_max + at);
      const Vec rescale = exp2(hn::Sub(hn::LoadU(d, row_max_ + at), finite(new_max)));
      hn::StoreU(new_max, d, row_max_ + at);
      hn::StoreU(rescale, d, rescale_ + at);
      hn::StoreU(hn::Mul(hn::LoadU(d, row_sum_ + at), rescale), d, row_sum_ + at);
    }
    // Queries in no strip see no new key: their factor is 1.
    for (int64_t n = 0; n < group.count; ++n) {
      const Piece& strip = group.strips[n];
      float* const scores = group.scores_of(strip, scores_);
      exponentiate(strip, scores);
      const Transposed values{values_ + strip.key * tile_.args.v.step, tile_.args.v.step};
      multiply(tile_.args.Dh, strip.begin, strip.end, values, scores, kQueries, strip.keys,
               RescaleAndAdd{y_, rescale_});
    }
  }

  // A query without visible keys so far has maximum -inf; subtracting that would give NaN.
  static HWY_INLINE Vec finite(Vec row_max) {
    return hn::IfThenElse(hn::Eq(row_max, hn::Set(d, -kInfinity)), hn::Zero(d), row_max);
  }

  HWY_INLINE void compute_scores(const Piece& piece, float* scores, float* row_max) const {
    const KernelArgs<float>& args = tile_.args;
    const Plain keys{keys_ + piece.key * args.k.step, args.k.step};
    const auto store = Store{scores, kQueries};
    const bool capped = args.score_cap > 0.0F;
    const bool plain = !piece.edge && !args.has_bias_or_mask() && !capped;
    if (plain) {
      multiply(piece.keys, piece.begin, piece.end, keys, q_, kQueries, args.Dh,
               StoreAndMax{store, row_max});
      return;
    }
    multiply(piece.keys, piece.begin, piece.end, keys, q_, kQueries, args.Dh, store);
    if (capped) tile_.cap(piece, scores);
    if (args.has_bias_or_mask()) tile_.add_bias_and_mask(piece, scores);
    if (piece.edge) view_.hide(piece, scores);
    for (int64_t vec = piece.begin; vec < piece.end; ++vec) {
      Vec largest = hn::LoadU(d, row_max + vec * kLanes);
      for_each_vec(piece, vec, [&](int64_t at) HWY_ATTR {
        largest = hn::Max(largest, hn::LoadU(d, scores + at));
      });
      hn::StoreU(largest, d, row_max + vec * kLanes);
    }
  }

  struct StoreAndMax {
    Store store;
    float* row_max;
    template <int kR, int kV>
    HWY_INLINE void operator()(int64_t row, int64_t vec, const Vec (&sums)[kR][kV]) const {
      store(row, vec, sums);
      for (int j = 0; j < kV; ++j) {
        float* const at = row_max + (vec + j) * kLanes;
        Vec largest = hn::LoadU(d, at);
        for (int i = 0; i < kR; ++i) largest = hn::Max(largest, sums[i][j]);
        hn::StoreU(largest, d, at);
      }
    }
  };

  HWY_INLINE void exponentiate(const Piece& piece, float* scores) {
    for (int64_t vec = piece.begin; vec < piece.end; ++vec) {
      const Vec row_max = finite(hn::LoadU(d, row_max_ + vec * kLanes));
      Vec sum = hn::LoadU(d, row_sum_ + vec * kLanes);
      for_each_vec(piece, vec, [&](int64_t at) HWY_ATTR {
        const Vec weight = exp2(hn::Sub(hn::LoadU(d, scores + at), row_max));
        sum = hn::Add(sum, weight);
        hn::StoreU(weight, d, scores + at);
      });
      hn::StoreU(sum, d, row_sum_ + vec * kLanes);
    }
    if (tile_.args.dropout > 0.0) tile_.apply_dropout(piece, scores);
  }

  struct RescaleAndAdd {
    float* y;
    const float* rescale;
    template <int kR, int kV>
    HWY_INLINE void operator()(int64_t row, int64_t vec, const Vec (&sums)[kR][kV]) const {
      for (int j = 0; j < kV; ++j) {
        const Vec factor = hn::LoadU(d, rescale + (vec + j) * kLanes);
        for (int i = 0; i < kR; ++i) {
          float* const at = y + (row + i) * kQueries + (vec + j) * kLanes;
          hn::StoreU(hn::MulAdd(factor, hn::LoadU(d, at), sums[i][j]), d, at);
        }
      }
    }
  };

  Tile tile_;
  View view_;                // of the current segment
  float *q_, *y_, *scores_;  // transposed: [Dh, kQueries], [Dh, kQueries], [kKeys, kQueries]
  const float *keys_, *values_;
  HWY_ALIGN float row_max_[kQueries];  // of each query, so far: the largest score,
  HWY_ALIGN float row_sum_[kQueries];  // and the sum of 2^(score - row_max)
  HWY_ALIGN float rescale_[kQueries];
};

void forward_tile(const KernelArgs<float>& args, const KernelOutputs<float>& outputs, int64_t b,
                  int64_t h, int64_t tile) {
  Forward(args, b, h, tile).run(outputs);
}

}  // namespace zoo::flash::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
