// torch: LibTorch's own scaled_dot_product_attention, which picks a fused kernel (flash) where it
// can.
//
// A fused kernel keeps no score matrix. Causal attention whose queries and keys are equally long
// goes to it as structure; every other restriction becomes a dense mask, because this operator
// knows no other form. Dropout uses our own mask (dropout_mask.h), so that it drops the very
// weights that every other kernel drops; torch then takes its unfused path, as it does on the CPU
// for its own dropout, too.
#include <ATen/ops/_scaled_dot_product_attention_math.h>
#include <ATen/ops/scaled_dot_product_attention.h>

#include <limits>

#include "models/attention/dropout_mask.h"
#include "models/attention/kernels/kernels.h"
#include "models/attention/mask.h"

namespace zoo {
namespace {

/// Torch takes one mask: bool, or float where there are biases.
torch::Tensor merged_mask(const torch::Tensor& mask, const torch::Tensor& bias,
                          torch::Dtype dtype) {
  if (!bias.defined()) return mask;
  const auto additive = bias.to(dtype);
  if (!mask.defined()) return additive;
  return additive.masked_fill(mask.logical_not(), -std::numeric_limits<double>::infinity());
}

class TorchKernel final : public AttentionKernel {
 public:
  std::string_view name() const override { return "torch"; }
  std::string_view summary() const override {
    return "torch's scaled_dot_product_attention, fused where it can";
  }
  std::string refuses(const torch::Tensor&, const torch::Tensor&, const torch::Tensor&,
                      const AttendArgs& args) const override {
    if (args.weights != nullptr)
      return "it never forms the attention weights; ask kernel 'matmul' for them";
    return {};
  }

  torch::Tensor run(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                    const AttendArgs& args) const override {
    const int64_t T = q.size(2), S = k.size(2);
    const bool grouped = q.size(1) != k.size(1);
    // torch's is_causal counts from the first key: ours only where that is the same.
    AttendArgs rest = args;
    const bool is_causal = args.causal && T == S && !args.query_start.defined() && !args.window &&
                           !args.key_lengths.defined() && !args.may_attend.defined() &&
                           !has_bias(args);
    if (is_causal) rest.causal = false;
    const auto mask = dense_mask(rest, T, S, q.device());  // broadcasts to [B, H, T, S]
    const auto additive = merged_mask(mask, dense_bias(args, T, S), q.scalar_type());

    if (args.dropout > 0.0) return with_dropout(q, k, v, additive, is_causal, args, grouped);
    auto y = at::scaled_dot_product_attention(q, k, v, optional(additive), 0.0, is_causal,
                                              args.scale, grouped);
    return mask.defined() ? zero_empty_rows(y, mask) : y;  // [B, H, T, Dh]
  }

 private:
  static bool has_bias(const AttendArgs& args) {
    return args.bias.defined() || args.relative_bias.defined();
  }
  static std::optional<torch::Tensor> optional(const torch::Tensor& t) {
    return t.defined() ? std::optional<torch::Tensor>(t) : std::nullopt;
  }
  /// Some of torch's fused kernels give NaN where a row may attend to nothing; ours are zeros by
  /// definition.
  static torch::Tensor zero_empty_rows(const torch::Tensor& y, const torch::Tensor& mask) {
    return y.masked_fill(mask.any(-1, /*keepdim=*/true).logical_not(), 0.0);
  }
  static torch::Tensor with_dropout(const torch::Tensor& q, const torch::Tensor& k,
                                    const torch::Tensor& v, const torch::Tensor& additive,
                                    bool is_causal, const AttendArgs& args, bool grouped) {
    if (args.dropout >= 1.0) return torch::zeros_like(q);
    const auto keep =
        dropout_mask(args.dropout, *args.dropout_seed, q.size(0), q.size(1), q.size(2), k.size(2),
                     q.device());  // [B, H, T, S]
    return std::get<0>(at::_scaled_dot_product_attention_math(
        q, k, v, optional(additive), args.dropout, is_causal, keep, args.scale, grouped));
  }
};

}  // namespace

const AttentionKernel& torch_kernel() {
  static const TorchKernel kernel;
  return kernel;
}

}  // namespace zoo
