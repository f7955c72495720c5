// blocked: blocks of 32 queries against blocks of 64 keys, so that what is read once serves many.
//
// Adds to `loops`: caches (a block of k and v is used by all queries of a block before it is left),
// loops a compiler can vectorise, and threads. Still keeps whole rows of scores: 32 S numbers a
// thread, where `matmul` keeps B H T S. Costs 4 B H T S Dh operations, those that causal, window
// and lengths hide left out block by block.
#include <span>

#include "models/attention/kernels/blocks.h"
#include "models/attention/kernels/kernels.h"
#include "models/attention/kernels/plain_kernel.h"

namespace zoo {
namespace {

using blocks::Queries;

template <typename Real>
class Blocked {
 public:
  Blocked(const PlainCall<Real>& call, const PlainResult<Real>& result)
      : call_(call), result_(result) {}

  void run() const {
    blocks::for_each_queries(call_, [&](const Queries& of) { one_block(of); });
  }

 private:
  void one_block(const Queries& of) const {
    const KeyRange all = blocks::keys_of(call_, of);
    const int64_t S = std::max<int64_t>(0, all.end - all.begin);
    std::vector<Real> rows(static_cast<size_t>(of.count * S));  // scores, then weights
    blocks::for_each_block(all, blocks::kKeys, [&](KeyRange keys) {
      blocks::find_scores(call_, of, keys, rows.data() + keys.begin - all.begin, S);
    });
    for (int64_t i = 0; i < of.count; ++i)
      softmax(of, of.first + i, all, std::span(rows.data() + i * S, static_cast<size_t>(S)));
    for (int64_t i = 0; i < of.count; ++i)
      std::fill_n(result_.y.at(of.b, of.h, of.first + i), call_.Dh, Real{0});
    blocks::for_each_block(all, blocks::kKeys, [&](KeyRange keys) {
      for (int64_t i = 0; i < of.count; ++i) {
        blocks::add_rows(rows.data() + i * S + keys.begin - all.begin, call_.v, of.b,
                         call_.kv_head(of.h), keys, call_.Dh,
                         result_.y.at(of.b, of.h, of.first + i));
      }
    });
    mend_queries(call_, result_, of.b, of.h, of.first, of.count);
  }

  void softmax(const Queries& of, int64_t t, KeyRange keys, std::span<Real> row) const {
    constexpr Real kInfinity = std::numeric_limits<Real>::infinity();
    const Real top = blocks::largest(row.data(), std::ssize(row), -kInfinity);
    Real sum = 0;
    const bool empty = top == -kInfinity;
    for (Real& score : row) {
      score = empty ? Real{0} : std::exp(score - top);
      sum += score;
    }
    for (Real& weight : row) weight = empty ? Real{0} : weight / sum;
    const int64_t place = (of.b * call_.H + of.h) * call_.T + t;
    if (result_.tops != nullptr) {
      result_.tops[place] = empty ? Real{0} : top;
      result_.inverse_sums[place] = empty ? Real{0} : 1 / sum;
    }
    if (result_.weights != nullptr)
      std::copy(row.begin(), row.end(), result_.weights + place * call_.S + keys.begin);
    if (call_.dropout > 0.0) call_.drop(of.b, of.h, t, keys, row.data());
  }

  const PlainCall<Real>& call_;
  const PlainResult<Real>& result_;
};

class BlockedKernel final : public PlainKernel {
 public:
  std::string_view name() const override { return "blocked"; }
  std::string_view summary() const override {
    return "blocks that stay in the cache; rows of scores, not a matrix";
  }
  Abilities abilities() const override {
    return {.backward = true, .float64 = true, .weights = true};
  }
  void forward(const PlainCall<float>& call, const PlainResult<float>& result) const override {
    Blocked(call, result).run();
  }
  void forward(const PlainCall<double>& call, const PlainResult<double>& result) const override {
    Blocked(call, result).run();
  }
  void backward(const PlainCall<float>& call, const PlainGradients<float>& g) const override {
    blocks::Backward(call, g, call.S).run();
  }
  void backward(const PlainCall<double>& call, const PlainGradients<double>& g) const override {
    blocks::Backward(call, g, call.S).run();
  }
};

}  // namespace

const AttentionKernel& blocked_kernel() {
  static const BlockedKernel kernel;
  return kernel;
}

}  // namespace zoo
