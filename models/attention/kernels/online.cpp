// online: no row of scores any more, only a block of them.
//
// Adds to `blocked` the online softmax (Milakov and Gimelshein 2018, arXiv:1805.02867; for
// attention Rabe and Staats 2021, arXiv:2112.05682): a query keeps the largest score so far, the
// sum of exponentials and the weighted sum of values, both in units of that largest score; when a
// block brings a larger one, both are multiplied by exp(old - new). Costs 4 B H T S Dh operations
// and memory for 32 x 64 scores a thread, whatever S is.
#include "models/attention/kernels/blocks.h"
#include "models/attention/kernels/kernels.h"
#include "models/attention/kernels/plain_kernel.h"

namespace zoo {
namespace {

using blocks::Queries;

template <typename Real>
class Online {
 public:
  Online(const PlainCall<Real>& call, const PlainResult<Real>& result)
      : call_(call), result_(result) {}

  void run() const {
    blocks::for_each_queries(call_, [&](const Queries& of) { one_block(of); });
  }

 private:
  static constexpr Real kInfinity = std::numeric_limits<Real>::infinity();

  /// What a query has seen so far.
  struct Seen {
    Real top = -kInfinity, sum = 0;
  };

  void one_block(const Queries& of) const {
    Seen seen[blocks::kQueries];
    std::vector<Real> scores(blocks::kQueries * blocks::kKeys);
    for (int64_t i = 0; i < of.count; ++i)
      std::fill_n(result_.y.at(of.b, of.h, of.first + i), call_.Dh, Real{0});
    blocks::for_each_block(blocks::keys_of(call_, of), blocks::kKeys, [&](KeyRange keys) {
      blocks::find_scores(call_, of, keys, scores.data(), blocks::kKeys);
      for (int64_t i = 0; i < of.count; ++i)
        add(of, of.first + i, keys, scores.data() + i * blocks::kKeys, seen[i]);
    });
    for (int64_t i = 0; i < of.count; ++i) finish(of, of.first + i, seen[i]);
    mend_queries(call_, result_, of.b, of.h, of.first, of.count);
  }

  void add(const Queries& of, int64_t t, KeyRange keys, Real* scores, Seen& seen) const {
    const int64_t count = keys.end - keys.begin;
    const Real top = blocks::largest(scores, count, seen.top);
    if (top == -kInfinity) return;  // nothing visible yet
    const Real shrink = std::exp(seen.top - top);
    Real sum = seen.sum * shrink;
    for (int64_t n = 0; n < count; ++n) {
      scores[n] = std::exp(scores[n] - top);
      sum += scores[n];
    }
    seen = {top, sum};
    if (call_.dropout > 0.0) call_.drop(of.b, of.h, t, keys, scores);
    Real* const y = result_.y.at(of.b, of.h, t);
    for (int64_t d = 0; d < call_.Dh; ++d) y[d] *= shrink;
    blocks::add_rows(scores, call_.v, of.b, call_.kv_head(of.h), keys, call_.Dh, y);
  }

  void finish(const Queries& of, int64_t t, const Seen& seen) const {
    const bool empty = seen.top == -kInfinity;
    Real* const y = result_.y.at(of.b, of.h, t);
    for (int64_t d = 0; d < call_.Dh && !empty; ++d) y[d] /= seen.sum;
    if (result_.tops == nullptr) return;
    const int64_t place = (of.b * call_.H + of.h) * call_.T + t;
    result_.tops[place] = empty ? Real{0} : seen.top;
    result_.inverse_sums[place] = empty ? Real{0} : 1 / seen.sum;
  }

  const PlainCall<Real>& call_;
  const PlainResult<Real>& result_;
};

class OnlineKernel final : public PlainKernel {
 public:
  std::string_view name() const override { return "online"; }
  std::string_view summary() const override {
    return "online softmax: blocks only, no row of scores";
  }
  Abilities abilities() const override { return {.backward = true, .float64 = true}; }
  void forward(const PlainCall<float>& call, const PlainResult<float>& result) const override {
    Online(call, result).run();
  }
  void forward(const PlainCall<double>& call, const PlainResult<double>& result) const override {
    Online(call, result).run();
  }
  void backward(const PlainCall<float>& call, const PlainGradients<float>& g) const override {
    blocks::Backward(call, g, blocks::kKeys).run();
  }
  void backward(const PlainCall<double>& call, const PlainGradients<double>& g) const override {
    blocks::Backward(call, g, blocks::kKeys).run();
  }
};

}  // namespace

const AttentionKernel& online_kernel() {
  static const OnlineKernel kernel;
  return kernel;
}

}  // namespace zoo
