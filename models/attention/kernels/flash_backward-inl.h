// The backward pass of a tile of queries: weights formed again, and five products.
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
    view_.for_each_group([&](const Group& group) HWY_ATTR { add(group); });
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

  // Of each query: its largest score, its sum, and y dy, by which its softmax pulls all its scores
  // back.
  void read_rows() {
    const PlainCall<float>& call = tile_.call;
    const int64_t place = (tile_.b * call.H + tile_.h) * call.T + tile_.first;
    std::fill(top_, top_ + kQueries, 0.0F);
    std::copy_n(gradients_.tops + place, tile_.queries, top_);
    std::fill(inverse_sum_, inverse_sum_ + kQueries, 0.0F);
    std::copy_n(gradients_.inverse_sums + place, tile_.queries, inverse_sum_);
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

  // From the weights and the gradients of the scores those of queries, strip by strip, and of keys
  // and values, run by run.
  HWY_INLINE void add(const Group& group) {
    const bool drops = tile_.call.dropout > 0.0;
    float* const used = drops ? kept_ : weights_;  // after dropout
    for (int64_t n = 0; n < group.count; ++n) {
      const Piece& strip = group.strips[n];
      float* const dscores = group.place(strip, dscores_);
      differentiate(strip, group.place(strip, weights_), group.place(strip, kept_), dscores);
      if (group.edge) {
        clear_rim(group, strip, used);
        clear_rim(group, strip, dscores_);
      }
      const Transposed keys{keys_ + strip.key * tile_.call.k.step, tile_.call.k.step};
      multiply(tile_.call.Dh, strip.begin, strip.end, keys, dscores, kQueries, strip.keys,
               Add{dq_t_, kQueries});
    }
    view_.for_each_run(group, [&](const Piece& run) HWY_ATTR {
      add_to_keys(run, group.place(run, used), dy_, dv_);
      add_to_keys(run, group.place(run, dscores_), q_, dk_);
    });
  }

  // Zeros above and below a strip, as far as runs reach.
  static HWY_INLINE void clear_rim(const Group& group, const Piece& strip, float* tile) {
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

  // weights = exp(scores - top) / sum, dweights = dy v, dscores = weights * (dweights - y dy).
  HWY_INLINE void differentiate(const Piece& piece, float* weights, float* kept, float* dscores) {
    const PlainCall<float>& call = tile_.call;
    const Plain keys{keys_ + piece.key * call.k.step, call.k.step};
    const Plain values{values_ + piece.key * call.v.step, call.v.step};
    multiply(piece.keys, piece.begin, piece.end, keys, q_t_, kQueries, call.Dh,
             Store{weights, kQueries});
    if (call.has_terms()) tile_.add_terms(piece, weights);
    if (piece.edge) view_.hide(piece, weights);
    for (int64_t vec = piece.begin; vec < piece.end; ++vec) {
      const Vec top = hn::LoadU(d, top_ + vec * kLanes);
      const Vec inverse_sum = hn::LoadU(d, inverse_sum_ + vec * kLanes);
      for_each_vec(piece, vec, [&](int64_t at) HWY_ATTR {
        const Vec weight = exp2(hn::Sub(hn::LoadU(d, weights + at), top));
        hn::StoreU(hn::Mul(weight, inverse_sum), d, weights + at);
      });
    }
    multiply(piece.keys, piece.begin, piece.end, values, dy_t_, kQueries, call.Dh,
             Store{dscores, kQueries});
    if (call.dropout > 0.0) drop(piece, weights, kept, dscores);
    for (int64_t vec = piece.begin; vec < piece.end; ++vec) {
      const Vec pull = hn::LoadU(d, pull_ + vec * kLanes);
      for_each_vec(piece, vec, [&](int64_t at) HWY_ATTR {
        const Vec pulled = hn::Sub(hn::LoadU(d, dscores + at), pull);
        hn::StoreU(hn::Mul(pulled, hn::LoadU(d, weights + at)), d, dscores + at);
      });
    }
  }

  // kept: the weights after dropout; and dropout's factors on the gradients of the weights.
  HWY_INLINE void drop(const Piece& piece, const float* weights, float* kept, float* dscores) {
    const auto each = [&](auto f) HWY_ATTR {
      for (int64_t vec = piece.begin; vec < piece.end; ++vec) for_each_vec(piece, vec, f);
    };
    each([&](int64_t at) HWY_ATTR { hn::StoreU(hn::Set(d, 1.0F), d, kept + at); });
    tile_.drop(piece, kept);
    each([&](int64_t at) HWY_ATTR {
      const Vec factor = hn::LoadU(d, kept + at);
      hn::StoreU(hn::Mul(hn::LoadU(d, dscores + at), factor), d, dscores + at);
      hn::StoreU(hn::Mul(hn::LoadU(d, weights + at), factor), d, kept + at);
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

  const Tile tile_;
  const View view_{tile_.call, tile_.b, tile_.first, tile_.queries};
  const PlainGradients<float>& gradients_;
  float *dk_, *dv_;
  int64_t width_;                      // of rows in whole vectors
  float *q_t_, *dy_t_, *dq_t_;         // [Dh, kQueries]
  float *weights_, *kept_, *dscores_;  // [kKeys, kQueries]
  const float *keys_, *values_;
  Matrix q_, dy_;  // [kQueries, width_]
  HWY_ALIGN float top_[kQueries], inverse_sum_[kQueries];
  HWY_ALIGN float pull_[kQueries];
};

void backward_tile(const PlainCall<float>& call, const PlainGradients<float>& gradients, int64_t b,
                   int64_t h, int64_t tile, float* dk, float* dv) {
  Backward(call, gradients, b, h, tile, dk, dv).run();
}

}  // namespace zoo::flash::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
