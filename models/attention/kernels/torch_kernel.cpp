// torch: LibTorch's scaled_dot_product_attention, which uses a fused kernel (flash) where it can.
//
// A fused kernel keeps no score matrix. Causal attention with T = S is passed as a flag; every
// other restriction becomes a dense mask, the only form that this operator accepts. Dropout is left
// to kernel matmul, as is a cap of the scores: every kernel of the zoo drops the weights of
// dropout_mask.h, which the operator would not, and on the CPU the operator is unfused with
// dropout, too.
#include <ATen/ops/scaled_dot_product_attention.h>

#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "models/attention/kernels/kernels.h"
#include "models/attention/mask.h"

namespace zoo {
namespace {

/// The same with leading dimensions of size 1: torch broadcasts only masks of two dimensions or
/// more.
torch::Tensor with_four_dimensions(const torch::Tensor& t) {
  std::vector<int64_t> shape(static_cast<size_t>(4 - t.dim()), 1);
  shape.insert(shape.end(), t.sizes().begin(), t.sizes().end());
  return t.reshape(shape);
}

/// One mask for torch: bool, or float where there are biases.
std::optional<torch::Tensor> merged_mask(const torch::Tensor& mask, const torch::Tensor& bias,
                                         torch::Dtype dtype) {
  if (!bias.defined())
    return mask.defined() ? std::optional(with_four_dimensions(mask)) : std::nullopt;
  auto additive = bias.to(dtype);
  if (mask.defined())
    additive = additive.masked_fill(mask.logical_not(), -std::numeric_limits<double>::infinity());
  return with_four_dimensions(additive);
}

class TorchKernel final : public AttentionKernel {
 public:
  std::string_view name() const override { return "torch"; }
  std::string_view summary() const override {
    return "torch's scaled_dot_product_attention, fused where possible";
  }
  std::string refuses(const torch::Tensor&, const torch::Tensor&, const torch::Tensor&,
                      const AttendArgs& args) const override {
    if (args.weights != nullptr)
      return "it never forms the attention weights; use kernel 'matmul' for them";
    return {};
  }

  torch::Tensor run(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                    const AttendArgs& args) const override {
    if (args.dropout > 0.0 || args.score_cap > 0.0) return matmul_kernel().run(q, k, v, args);
    const int64_t T = q.size(2), S = k.size(2);
    const bool grouped = q.size(1) != k.size(1);
    // torch's is_causal aligns to the first key: the same as ours only where T = S.
    AttendArgs masked = args;
    const bool is_causal = args.causal && T == S && !args.query_start.defined() && !args.window &&
                           !args.key_lengths.defined() && !args.prefix_lengths.defined() &&
                           !args.may_attend.defined() && !args.block_layout.defined() &&
                           !has_bias(args);
    if (is_causal) masked.causal = false;
    const auto mask = dense_mask(masked, T, S, q.device());  // broadcasts to [B, H, T, S]
    const auto additive = merged_mask(mask, dense_bias(args, T, S), q.scalar_type());

    auto y =
        at::scaled_dot_product_attention(q, k, v, additive, 0.0, is_causal, args.scale, grouped);
    const bool restricted = is_causal || mask.defined() || additive;
    if (restricted && may_leak_nan(k, v, y)) return matmul_kernel().run(q, k, v, args);
    return mask.defined() ? zero_empty_rows(y, mask) : y;  // [B, H, T, Dh]
  }

 private:
  /// The operator multiplies hidden values by 0, which leaves NaN; kernel matmul does not. Backward
  /// may do so even where the output is finite. Not checked on a GPU, where it would mean waiting.
  static bool may_leak_nan(const torch::Tensor& k, const torch::Tensor& v, const torch::Tensor& y) {
    if (y.is_cuda()) return false;
    const auto finite = [](const torch::Tensor& t) {
      return std::isfinite(t.detach().sum(torch::kFloat).item<float>());
    };
    return y.requires_grad() ? !finite(k) || !finite(v) : !finite(y);
  }
  static bool has_bias(const AttendArgs& args) {
    return args.bias.defined() || args.relative_bias.defined();
  }
  /// Some of torch's fused kernels give NaN for a query without visible keys; attend() promises
  /// zeros.
  static torch::Tensor zero_empty_rows(const torch::Tensor& y, const torch::Tensor& mask) {
    return y.masked_fill(mask.any(-1, /*keepdim=*/true).logical_not(), 0.0);
  }
};

}  // namespace

const AttentionKernel& torch_kernel() {
  static const TorchKernel kernel;
  return kernel;
}

}  // namespace zoo
