// blocked: blocks of 32 queries against blocks of 64 keys, so that each key read serves many
// queries.
//
// Adds to `loops`: caches (all queries of a block use a block of k and v while it is there), loops
// that a compiler can vectorise, and threads. Still keeps whole rows of scores: 32 S numbers a
// thread, where `matmul` keeps B H T S. Costs 4 B H T S Dh operations, less the blocks that causal,
// window and lengths hide.
#include <span>
#include <utility>

#include "models/attention/kernels/blocks.h"
#include "models/attention/kernels/kernels.h"
#include "models/attention/kernels/pointer_kernel.h"

namespace zoo {
namespace {

using blocks::Queries;

template <typename Real>
class Blocked {
 public:
  Blocked(const KernelArgs<Real>& args, const KernelOutputs<Real>& outputs)
      : args_(args), outputs_(outputs) {}

  void run() const {
    blocks::for_each_queries(args_, [&](const Queries& of) { one_block(of); });
  }

 private:
  /// Blocks of keys, whose scores lie one after the other in a row.
  struct Keys {
    std::vector<KeyRange> blocks;
    int64_t count = 0;

    /// Calls f(block, its place in a row).
    template <typename F>
    void for_each(F f) const {
      int64_t at = 0;
      for (const KeyRange block : blocks) f(block, std::exchange(at, at + block.end - block.begin));
    }
  };

  void one_block(const Queries& of) const {
    Keys keys;
    blocks::for_each_keys(args_, of, blocks::kKeys, [&](KeyRange block) {
      keys.blocks.push_back(block);
      keys.count += block.end - block.begin;
    });
    const int64_t S = keys.count;
    std::vector<Real> rows(static_cast<size_t>(of.count * S));  // scores, then weights
    keys.for_each([&](KeyRange block, int64_t at) {
      blocks::compute_scores(args_, of, block, rows.data() + at, S);
    });
    for (int64_t i = 0; i < of.count; ++i)
      softmax(of, of.first + i, keys, std::span(rows.data() + i * S, static_cast<size_t>(S)));
    for (int64_t i = 0; i < of.count; ++i)
      std::fill_n(outputs_.y.at(of.b, of.h, of.first + i), args_.Dh, Real{0});
    keys.for_each([&](KeyRange block, int64_t at) {
      for (int64_t i = 0; i < of.count; ++i) {
        blocks::add_rows(rows.data() + i * S + at, args_.v, of.b, args_.kv_head(of.h), block,
                         args_.Dh, outputs_.y.at(of.b, of.h, of.first + i));
      }
    });
    recompute_nan_queries(args_, outputs_, of.b, of.h, of.first, of.count);
  }

  void softmax(const Queries& of, int64_t t, const Keys& keys, std::span<Real> row) const {
    constexpr Real kInfinity = std::numeric_limits<Real>::infinity();
    const Real row_max = blocks::largest(row.data(), std::ssize(row), -kInfinity);
    Real row_sum = 0;
    const bool empty = row_max == -kInfinity;
    for (Real& score : row) {
      score = empty ? Real{0} : std::exp(score - row_max);
      row_sum += score;
    }
    for (Real& weight : row) weight = empty ? Real{0} : weight / row_sum;
    const int64_t index = (of.b * args_.H + of.h) * args_.T + t;
    if (outputs_.row_max != nullptr) {
      outputs_.row_max[index] = empty ? Real{0} : row_max;
      outputs_.inverse_row_sum[index] = empty ? Real{0} : 1 / row_sum;
    }
    keys.for_each([&](KeyRange block, int64_t at) {
      Real* const weights = row.data() + at;
      if (outputs_.weights != nullptr) {
        std::copy_n(weights, block.end - block.begin,
                    outputs_.weights + index * args_.S + block.begin);
      }
      if (args_.dropout > 0.0) args_.apply_dropout(of.b, of.h, t, block, weights);
    });
  }

  const KernelArgs<Real>& args_;
  const KernelOutputs<Real>& outputs_;
};

class BlockedKernel final : public PointerKernel {
 public:
  std::string_view name() const override { return "blocked"; }
  std::string_view summary() const override {
    return "blocks that stay in the cache; rows of scores, not a matrix";
  }
  Abilities abilities() const override {
    return {.backward = true,
            .float64 = true,
            .weights = true,
            .relative_bias_backward = true,
            .score_cap = true,
            .segments = true};
  }
  void forward(const KernelArgs<float>& args, const KernelOutputs<float>& outputs) const override {
    Blocked(args, outputs).run();
  }
  void forward(const KernelArgs<double>& args,
               const KernelOutputs<double>& outputs) const override {
    Blocked(args, outputs).run();
  }
  void backward(const KernelArgs<float>& args, const KernelGradients<float>& g) const override {
    blocks::Backward(args, g, args.S).run();
  }
  void backward(const KernelArgs<double>& args, const KernelGradients<double>& g) const override {
    blocks::Backward(args, g, args.S).run();
  }
};

}  // namespace

const AttentionKernel& blocked_kernel() {
  static const BlockedKernel kernel;
  return kernel;
}

}  // namespace zoo
