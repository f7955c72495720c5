// The backward pass of a tile of queries: the weights are recomputed; five products in all.
#if defined(ZOO_FLASH_BACKWARD_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ZOO_FLASH_BACKWARD_INL_H
#undef ZOO_FLASH_BACKWARD_INL_H
#else
#define ZOO_FLASH_BACKWARD_INL_H
#endif

#include <utility>

#include "models/attention/kernels/flash_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace zoo::flash::HWY_NAMESPACE {
class Backward {
 public:
  Backward(const KernelArgs<float>& args, const KernelGradients<float>& gradients, int64_t b,
           int64_t h, int64_t tile, const HeadSums& sums)
      : tile_(args, b, h, tile), gradients_(gradients), sums_(sums), width_(padded(args.Dh)) {
    const int64_t Dh = args.Dh, side = Dh * kQueries, rows = width_ * kQueries;
    const int64_t scores = kKeys * kQueries, slopes = args.score_cap > 0.0F ? scores : 0;
    float* memory = scratch(3 * side + 3 * scores + slopes + 2 * rows);
    const auto take = [&](int64_t size) { return std::exchange(memory, memory + size); };
    q_t_ = take(side), dy_t_ = take(side), dq_t_ = take(side);
    weights_ = take(scores), dropped_ = take(scores), dscores_ = take(scores);
    slopes_ = take(slopes);
    keys_ = args.k.at(b, args.kv_head(h), 0);
    values_ = args.v.at(b, args.kv_head(h), 0);
    const float* const q = args.q.at(b, h, tile_.first);
    const float* const dy = gradients.dy.at(b, h, tile_.first);
    pack(q, args.q.step, tile_.queries, Dh, tile_.query_factor(), q_t_);
    pack(dy, gradients.dy.step, tile_.queries, Dh, 1.0F, dy_t_);
    q_ = whole_vectors(q, args.q.step, take(rows));
    dy_ = whole_vectors(dy, gradients.dy.step, take(rows));
    std::fill(dq_t_, dq_t_ + side, 0.0F);
    load_row_stats();
  }

  void run() {
    const KernelArgs<float>& args = tile_.args;
    for_each_segment(args, tile_.block(), [&](KeyRange segment) HWY_ATTR {
      view_.look_at(args, tile_.block(), segment);
      tile_.relative.look_at(tile_.block(), segment);
      if (sums_.drelative != nullptr) tile_.relative.clear_sums();
      view_.for_each_group([&](const Group& group) HWY_ATTR { add(group); });
      if (sums_.drelative != nullptr) tile_.relative.write_sums(sums_.drelative);
    });
    HWY_ALIGN float scale[kQueries];
    std::fill(scale, scale + kQueries, args.scale);
    unpack(dq_t_, tile_.queries, args.Dh, scale, gradients_.dq.at(tile_.b, tile_.h, tile_.first),
           gradients_.dq.step);
  }

 private:
  struct Matrix {
    const float* data;
    int64_t step;
  };

  // Rows padded to whole vectors: the tensor's own where Dh needs no padding, else a copy.
  HWY_INLINE Matrix whole_vectors(const float* rows, int64_t step, float* copy) const {
    const int64_t Dh = tile_.args.Dh;
    if (width_ == Dh) return {rows, step};
    for (int64_t i = 0; i < tile_.queries; ++i) {
      std::copy(rows + i * step, rows + i * step + Dh, copy + i * width_);
      std::fill(copy + i * width_ + Dh, copy + (i + 1) * width_, 0.0F);
    }
    return {copy, width_};
  }

  // Of each query: the maximum and the inverse sum of its scores, and delta = y dy.
  void load_row_stats() {
    const KernelArgs<float>& args = tile_.args;
    const int64_t first_row = (tile_.b * args.H + tile_.h) * args.T + tile_.first;
    std::fill(row_max_, row_max_ + kQueries, 0.0F);
    std::copy_n(gradients_.row_max + first_row, tile_.queries, row_max_);
    std::fill(inverse_row_sum_, inverse_row_sum_ + kQueries, 0.0F);
    std::copy_n(gradients_.inverse_row_sum + first_row, tile_.queries, inverse_row_sum_);
    std::fill(delta_, delta_ + kQueries, 0.0F);
    for (int64_t i = 0; i < tile_.queries; ++i) {
      const float* const y = gradients_.y.at(tile_.b, tile_.h, tile_.first + i);
      const float* const dy = gradients_.dy.at(tile_.b, tile_.h, tile_.first + i);
      Vec sum = hn::Zero(d);
      int64_t n = 0;
      for (; n + kLanes <= args.Dh; n += kLanes)
        sum = hn::MulAdd(hn::LoadU(d, y + n), hn::LoadU(d, dy + n), sum);
      float rest = 0;
      for (; n < args.Dh; ++n) rest += y[n] * dy[n];
      delta_[i] = hn::GetLane(hn::SumOfLanes(d, sum)) + rest;
    }
  }

  // Computes weights and score gradients of a group, and adds its products to dq, strip by strip,
  // and to dk and dv, run by run.
  HWY_INLINE void add(const Group& group) {
    const bool drops = tile_.args.dropout > 0.0;
    float* const used = drops ? dropped_ : weights_;  // weights after dropout
    for (int64_t n = 0; n < group.count; ++n) {
      const Piece& strip = group.strips[n];
      float* const dscores = group.scores_of(strip, dscores_);
      differentiate(strip, group.scores_of(strip, weights_), group.scores_of(strip, dropped_),
                    dscores, group.scores_of(strip, slopes_));
      if (group.edge) {
        clear_margin(group, strip, used);
        clear_margin(group, strip, dscores_);
      }
      const Transposed keys{keys_ + strip.key * tile_.args.k.step, tile_.args.k.step};
      multiply(tile_.args.Dh, strip.begin, strip.end, keys, dscores, kQueries, strip.keys,
               Add{dq_t_, kQueries});
    }
    view_.for_each_run(group, [&](const Piece& run) HWY_ATTR {
      add_to_keys(run, group.scores_of(run, used), dy_, sums_.dv);
      add_to_keys(run, group.scores_of(run, dscores_), q_, sums_.dk);
    });
  }

  // Zeros the rows above and below a strip that a run of keys also covers.
  static HWY_INLINE void clear_margin(const Group& group, const Piece& strip, float* tile) {
    const int64_t from = strip.key - group.key, to = from + strip.keys;
    const int64_t above = from / kEdgeKeys * kEdgeKeys;
    const int64_t below = std::min((to + kEdgeKeys - 1) / kEdgeKeys * kEdgeKeys, group.keys);
    const auto clear = [&](int64_t first, int64_t last) {
      for (int64_t row = first; row < last; ++row) {
        std::fill(tile + row * kQueries + strip.begin * kLanes,
                  tile + row * kQueries + strip.end * kLanes, 0.0F);
      }
    };
    clear(above, from);
    clear(to, below);
  }

  // weights = 2^(scores - row_max) / sum, dweights = dy v, dscores = weights * (dweights - delta),
  // times the slopes of the cap.
  HWY_INLINE void differentiate(const Piece& piece, float* weights, float* dropped, float* dscores,
                                float* slopes) {
    const KernelArgs<float>& args = tile_.args;
    const Plain keys{keys_ + piece.key * args.k.step, args.k.step};
    const Plain values{values_ + piece.key * args.v.step, args.v.step};
    multiply(piece.keys, piece.begin, piece.end, keys, q_t_, kQueries, args.Dh,
             Store{weights, kQueries});
    if (args.score_cap > 0.0F) tile_.cap(piece, weights, slopes);
    if (args.has_bias_or_mask()) tile_.add_bias_and_mask(piece, weights);
    if (piece.edge) view_.hide(piece, weights);
    for (int64_t vec = piece.begin; vec < piece.end; ++vec) {
      const Vec row_max = hn::LoadU(d, row_max_ + vec * kLanes);
      const Vec inverse_row_sum = hn::LoadU(d, inverse_row_sum_ + vec * kLanes);
      for_each_vec(piece, vec, [&](int64_t at) HWY_ATTR {
        const Vec weight = exp2(hn::Sub(hn::LoadU(d, weights + at), row_max));
        hn::StoreU(hn::Mul(weight, inverse_row_sum), d, weights + at);
      });
    }
    multiply(piece.keys, piece.begin, piece.end, values, dy_t_, kQueries, args.Dh,
             Store{dscores, kQueries});
    if (args.dropout > 0.0) apply_dropout(piece, weights, dropped, dscores);
    for (int64_t vec = piece.begin; vec < piece.end; ++vec) {
      const Vec delta = hn::LoadU(d, delta_ + vec * kLanes);
      for_each_vec(piece, vec, [&](int64_t at) HWY_ATTR {
        const Vec centered = hn::Sub(hn::LoadU(d, dscores + at), delta);
        hn::StoreU(hn::Mul(centered, hn::LoadU(d, weights + at)), d, dscores + at);
      });
    }
    if (sums_.drelative != nullptr) tile_.relative.add_to_sums(piece, dscores);
    if (args.score_cap > 0.0F) multiply_by(slopes, piece, dscores);
  }

  static HWY_INLINE void multiply_by(const float* factors, const Piece& piece, float* tile) {
    for (int64_t vec = piece.begin; vec < piece.end; ++vec) {
      for_each_vec(piece, vec, [&](int64_t at) HWY_ATTR {
        hn::StoreU(hn::Mul(hn::LoadU(d, tile + at), hn::LoadU(d, factors + at)), d, tile + at);
      });
    }
  }

  // Multiplies weights, into `dropped`, and weight gradients by the dropout factors.
  HWY_INLINE void apply_dropout(const Piece& piece, const float* weights, float* dropped,
                                float* dscores) {
    const auto each = [&](auto f) HWY_ATTR {
      for (int64_t vec = piece.begin; vec < piece.end; ++vec) for_each_vec(piece, vec, f);
    };
    each([&](int64_t at) HWY_ATTR { hn::StoreU(hn::Set(d, 1.0F), d, dropped + at); });
    tile_.apply_dropout(piece, dropped);
    each([&](int64_t at) HWY_ATTR {
      const Vec factor = hn::LoadU(d, dropped + at);
      hn::StoreU(hn::Mul(hn::LoadU(d, dscores + at), factor), d, dscores + at);
      hn::StoreU(hn::Mul(hn::LoadU(d, weights + at), factor), d, dropped + at);
    });
  }

  // sums[key] += Σ_query tile[key][query] right[query].
  HWY_INLINE void add_to_keys(const Piece& piece, const float* tile, const Matrix& right,
                              float* sums) const {
    const int64_t begin = piece.begin * kLanes, end = std::min(tile_.queries, piece.end * kLanes);
    multiply(piece.keys, 0, width_ / kLanes, Plain{tile + begin, kQueries},
             right.data + begin * right.step, right.step, end - begin,
             Add{sums + piece.key * width_, width_});
  }

  Tile tile_;
  View view_;  // of the current segment
  const KernelGradients<float>& gradients_;
  const HeadSums& sums_;
  int64_t width_;                         // Dh padded to whole vectors
  float *q_t_, *dy_t_, *dq_t_;            // [Dh, kQueries]
  float *weights_, *dropped_, *dscores_;  // [kKeys, kQueries]
  float* slopes_;                         // the same with a cap
  const float *keys_, *values_;
  Matrix q_, dy_;  // [kQueries, width_]
  HWY_ALIGN float row_max_[kQueries], inverse_row_sum_[kQueries];
  HWY_ALIGN float delta_[kQueries];
};

void backward_tile(const KernelArgs<float>& args, const KernelGradients<float>& gradients,
                   int64_t b, int64_t h, int64_t tile, const HeadSums& sums) {
  Backward(args, gradients, b, h, tile, sums).run();
}

}  // namespace zoo::flash::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
