// online: keeps a block of scores instead of whole rows.
//
// Adds to `blocked` the online softmax (Milakov and Gimelshein 2018, arXiv:1805.02867; for
// attention Rabe and Staats 2021, arXiv:2112.05682). A query keeps the largest score so far, and,
// relative to it, the sum of exponentials and the weighted sum of values. A block with a larger
// score multiplies both sums by exp(old - new). Costs 4 B H T S Dh operations and memory for
// 32 x 64 scores a thread, whatever S is.
#include "models/attention/kernels/blocks.h"
#include "models/attention/kernels/kernels.h"
#include "models/attention/kernels/pointer_kernel.h"

namespace zoo {
namespace {

using blocks::Queries;

template <typename Real>
class Online {
 public:
  Online(const KernelArgs<Real>& args, const KernelOutputs<Real>& outputs)
      : args_(args), outputs_(outputs) {}

  void run() const {
    blocks::for_each_queries(args_, [&](const Queries& of) { one_block(of); });
  }

 private:
  static constexpr Real kInfinity = std::numeric_limits<Real>::infinity();

  /// The softmax of one query over the keys so far.
  struct RunningSoftmax {
    Real row_max = -kInfinity, row_sum = 0;
  };

  void one_block(const Queries& of) const {
    RunningSoftmax softmax[blocks::kQueries];
    std::vector<Real> scores(blocks::kQueries * blocks::kKeys);
    for (int64_t i = 0; i < of.count; ++i)
      std::fill_n(outputs_.y.at(of.b, of.h, of.first + i), args_.Dh, Real{0});
    blocks::for_each_keys(args_, of, blocks::kKeys, [&](KeyRange keys) {
      blocks::compute_scores(args_, of, keys, scores.data(), blocks::kKeys);
      for (int64_t i = 0; i < of.count; ++i)
        add(of, of.first + i, keys, scores.data() + i * blocks::kKeys, softmax[i]);
    });
    for (int64_t i = 0; i < of.count; ++i) finish(of, of.first + i, softmax[i]);
    recompute_nan_queries(args_, outputs_, of.b, of.h, of.first, of.count);
  }

  void add(const Queries& of, int64_t t, KeyRange keys, Real* scores,
           RunningSoftmax& softmax) const {
    const int64_t count = keys.end - keys.begin;
    const Real row_max = blocks::largest(scores, count, softmax.row_max);
    if (row_max == -kInfinity) return;  // no visible key yet
    const Real rescale = std::exp(softmax.row_max - row_max);
    Real row_sum = softmax.row_sum * rescale;
    for (int64_t n = 0; n < count; ++n) {
      scores[n] = std::exp(scores[n] - row_max);
      row_sum += scores[n];
    }
    softmax = {row_max, row_sum};
    if (args_.dropout > 0.0) args_.apply_dropout(of.b, of.h, t, keys, scores);
    Real* const y = outputs_.y.at(of.b, of.h, t);
    for (int64_t d = 0; d < args_.Dh; ++d) y[d] *= rescale;
    blocks::add_rows(scores, args_.v, of.b, args_.kv_head(of.h), keys, args_.Dh, y);
  }

  void finish(const Queries& of, int64_t t, const RunningSoftmax& softmax) const {
    const bool empty = softmax.row_max == -kInfinity;
    Real* const y = outputs_.y.at(of.b, of.h, t);
    for (int64_t d = 0; d < args_.Dh && !empty; ++d) y[d] /= softmax.row_sum;
    if (outputs_.row_max == nullptr) return;
    const int64_t index = (of.b * args_.H + of.h) * args_.T + t;
    outputs_.row_max[index] = empty ? Real{0} : softmax.row_max;
    outputs_.inverse_row_sum[index] = empty ? Real{0} : 1 / softmax.row_sum;
  }

  const KernelArgs<Real>& args_;
  const KernelOutputs<Real>& outputs_;
};

class OnlineKernel final : public PointerKernel {
 public:
  std::string_view name() const override { return "online"; }
  std::string_view summary() const override {
    return "online softmax: blocks only, no row of scores";
  }
  Abilities abilities() const override {
    return {.backward = true,
            .float64 = true,
            .relative_bias_backward = true,
            .score_cap = true,
            .segments = true};
  }
  void forward(const KernelArgs<float>& args, const KernelOutputs<float>& outputs) const override {
    Online(args, outputs).run();
  }
  void forward(const KernelArgs<double>& args,
               const KernelOutputs<double>& outputs) const override {
    Online(args, outputs).run();
  }
  void backward(const KernelArgs<float>& args, const KernelGradients<float>& g) const override {
    blocks::Backward(args, g, blocks::kKeys).run();
  }
  void backward(const KernelArgs<double>& args, const KernelGradients<double>& g) const override {
    blocks::Backward(args, g, blocks::kKeys).run();
  }
};

}  // namespace

const AttentionKernel& online_kernel() {
  static const OnlineKernel kernel;
  return kernel;
}

}  // namespace zoo
