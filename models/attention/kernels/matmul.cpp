// matmul: Eq. 1 of Vaswani et al. 2017 as torch operations, one line an operation.
//
// Costs 4 B H T S Dh operations in two matrix products, and memory for the whole score matrix [B,
// H, T, S], several times over in training. Can do everything attend() can ask for, which makes it
// the reference for all other kernels.
#include <ATen/ops/_safe_softmax.h>

#include <cmath>
#include <limits>

#include "models/attention/dropout_mask.h"
#include "models/attention/kernels/kernels.h"
#include "models/attention/mask.h"

namespace zoo {
namespace {

class MatmulKernel final : public AttentionKernel {
 public:
  std::string_view name() const override { return "matmul"; }
  std::string_view summary() const override {
    return "the formula in torch operations; memory grows with T * S";
  }
  std::string refuses(const torch::Tensor&, const torch::Tensor&, const torch::Tensor&,
                      const AttendArgs&) const override {
    return {};
  }

  torch::Tensor run(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                    const AttendArgs& args) const override {
    const int64_t H = q.size(1), T = q.size(2), S = k.size(2);
    const double scale = args.scale.value_or(1.0 / std::sqrt(static_cast<double>(q.size(3))));
    const auto keys = repeat_kv_heads(k, H), values = repeat_kv_heads(v, H);  // [B, H, S, Dh]

    auto scores = torch::matmul(q * scale, keys.transpose(-2, -1));  // [B, H, T, S]
    if (const auto bias = dense_bias(args, S); bias.defined())
      scores = scores + bias.to(scores.dtype());
    if (const auto mask = dense_mask(args, T, S, q.device()); mask.defined()) {
      scores = scores.masked_fill(mask.logical_not(), -std::numeric_limits<double>::infinity());
    }
    auto weights =
        at::_safe_softmax(scores, -1);  // rows that may attend to nothing: zeros, not NaN
    if (args.weights != nullptr) *args.weights = weights;
    if (args.dropout > 0.0) weights = drop(weights, args);
    return torch::matmul(weights, values);  // [B, H, T, Dh]
  }

 private:
  static torch::Tensor drop(const torch::Tensor& weights, const AttendArgs& args) {
    if (args.dropout >= 1.0) return torch::zeros_like(weights);
    const auto keep =
        dropout_mask(args.dropout, *args.dropout_seed, weights.size(0), weights.size(1),
                     weights.size(2), weights.size(3), weights.device());
    return weights.masked_fill(keep.logical_not(), 0.0) / (1.0 - args.dropout);
  }
};

}  // namespace

const AttentionKernel& matmul_kernel() {
  static const MatmulKernel kernel;
  return kernel;
}

}  // namespace zoo
