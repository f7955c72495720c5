// matmul: Eq. 1 of Vaswani et al. 2017 in torch operations, forward and backward.
//
// Adds to `loops` a library's fast matrix products. Costs 4 B H T S Dh operations in two products
// (backward: 8 B H T S Dh in four), and memory for score matrices [B, H, T, S]: two in forward,
// three in backward, of which one is kept in between. It supports every option of attend(), and so
// other kernels name it when they refuse.
#include <ATen/ExpandUtils.h>
#include <ATen/ops/_safe_softmax.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "models/attention/dropout_mask.h"
#include "models/attention/kernels/kernels.h"
#include "models/attention/mask.h"

namespace zoo {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr double kHiddenScore = -std::numeric_limits<double>::infinity();

double scale_of(const AttendArgs& args, const torch::Tensor& q) {
  return args.scale.value_or(1.0 / std::sqrt(static_cast<double>(q.size(3))));
}

/// The dropout factor of each weight [B, H, T, S]: 0, or 1 / (1 - p).
torch::Tensor dropout_factors(const AttendArgs& args, const torch::Tensor& weights) {
  if (args.dropout >= 1.0) return torch::zeros_like(weights);
  return dropout_mask(args.dropout, *args.dropout_seed, weights.size(0), weights.size(1),
                      weights.size(2), weights.size(3), weights.device(), args.dropout_row)
      .to(weights.scalar_type())
      .div_(1.0 - args.dropout);
}

/// Whether a hidden key or value may be NaN or infinite: times a weight of 0 it would give NaN.
bool may_hide_nan(const AttendArgs& args, const torch::Tensor& q, const torch::Tensor& k,
                  const torch::Tensor& v) {
  if (is_unrestricted(args, q.size(2)) && !args.bias.defined() && !args.relative_bias.defined())
    return false;
  const auto finite = [](const torch::Tensor& t) {
    return std::isfinite(t.detach().sum(torch::kFloat).item<float>());
  };
  return !finite(k) || !finite(v);
}

torch::Tensor full_product(const torch::Tensor& weights, const torch::Tensor& rows) {
  return torch::matmul(weights, rows);
}

/// The same without the terms of weight 0. Costs a second and a third product.
torch::Tensor visible_product(const torch::Tensor& weights, const torch::Tensor& rows) {
  const auto not_finite = rows.isfinite().logical_not();
  const auto nonzero = weights.detach().ne(0).to(weights.scalar_type());
  const auto sees_not_finite = torch::matmul(nonzero, not_finite.to(weights.scalar_type())).gt(0);
  const auto finite = torch::matmul(weights, rows.masked_fill(not_finite, 0.0));
  return torch::where(sees_not_finite, torch::matmul(weights, rows), finite);
}

/// scale q k^T: [B, H, T, S], before cap and biases.
torch::Tensor scaled_scores(const torch::Tensor& q, const torch::Tensor& k,
                            const AttendArgs& args) {
  const auto keys = repeat_kv_heads(k, q.size(1));                      // [B, H, S, Dh]
  return torch::matmul(q * scale_of(args, q), keys.transpose(-2, -1));  // [B, H, T, S]
}

torch::Tensor attention_weights(const torch::Tensor& q, const torch::Tensor& k,
                                const AttendArgs& args, bool skip_hidden) {
  const int64_t T = q.size(2), S = k.size(2);
  auto scores = scaled_scores(q, k, args);
  if (args.score_cap > 0.0) scores = torch::tanh(scores / args.score_cap) * args.score_cap;
  const auto bias = dense_bias(args, T, S);
  if (bias.defined()) scores = scores + bias.to(scores.dtype());
  if (const auto mask = dense_mask(args, T, S, q.device()); mask.defined())
    scores = scores.masked_fill(mask.logical_not(), kHiddenScore);
  if (skip_hidden && bias.defined())
    scores = scores.masked_fill(bias.eq(kHiddenScore), kHiddenScore);
  return at::_safe_softmax(scores, -1);  // a row without visible keys gives zeros
}

torch::Tensor weighted_values(const torch::Tensor& weights, const torch::Tensor& v,
                              const AttendArgs& args, bool skip_hidden) {
  const auto used = args.dropout > 0.0 ? weights * dropout_factors(args, weights) : weights;
  const auto values = repeat_kv_heads(v, weights.size(1));  // [B, H, S, Dh]
  const auto product = skip_hidden ? visible_product : full_product;
  return product(used, values);  // [B, H, T, Dh]
}

/// dx times the derivatives 1 - tanh^2 of the cap.
torch::Tensor through_cap(const torch::Tensor& dx, const torch::Tensor& q, const torch::Tensor& k,
                          const AttendArgs& args, bool skip_hidden) {
  if (args.score_cap == 0.0) return dx;
  const auto share = torch::tanh(scaled_scores(q, k, args) / args.score_cap);
  const auto slopes = 1.0 - share.square();  // [B, H, T, S]
  // A hidden key may give NaN, and 0 times NaN is NaN.
  return dx * (skip_hidden ? slopes.masked_fill(dx.detach().eq(0), 0.0) : slopes);
}

/// Gradients of repeated heads [B, H, S, Dh] -> [B, Hkv, S, Dh].
torch::Tensor sum_groups(const torch::Tensor& t, int64_t kv_heads) {
  if (t.size(1) == kv_heads) return t;
  return t.unflatten(1, {kv_heads, t.size(1) / kv_heads}).sum(2);
}

/// Gradient of relative_bias [H, T + S - 1]: each entry was added along a diagonal.
torch::Tensor sum_diagonals(const AttendArgs& args, const torch::Tensor& dscores) {
  const int64_t H = dscores.size(1), T = dscores.size(2), S = dscores.size(3);
  const auto entries = relative_entries(args, T, S, dscores.device());  // [B or 1, T, S]
  const auto sums = entries.size(0) == 1 ? dscores.sum(0, /*keepdim=*/true) : dscores;
  return torch::zeros({H, T + S - 1}, dscores.options())
      .index_add_(1, entries.flatten(), sums.transpose(0, 1).flatten(1));
}

struct SavedArgs : torch::CustomClassHolder {
  explicit SavedArgs(AttendArgs args_) : args(std::move(args_)) {}
  AttendArgs args;
};

struct MatmulFunction : torch::autograd::Function<MatmulFunction> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& q,
                               const torch::Tensor& k, const torch::Tensor& v,
                               const std::optional<torch::Tensor>& /*bias*/,
                               const std::optional<torch::Tensor>& /*relative_bias*/,
                               const AttendArgs& args) {
    // Backward computes in the types of the saved tensors: autocast must not change them in
    // forward.
    const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
    const bool skip_hidden = may_hide_nan(args, q, k, v);
    const auto weights = attention_weights(q, k, args, skip_hidden);  // [B, H, T, S]
    if (args.weights != nullptr) *args.weights = weights;
    context->save_for_backward({q, k, v, args.bias, args.relative_bias, weights});
    AttendArgs kept = args;
    kept.weights = nullptr;
    kept.bias = kept.relative_bias = torch::Tensor();
    context->saved_data["args"] =
        c10::IValue::make_capsule(c10::make_intrusive<SavedArgs>(std::move(kept)));
    context->saved_data["skip_hidden"] = skip_hidden;
    return weighted_values(weights, v, args, skip_hidden);
  }

  // With w the weights, f the dropout factors, x the scores before the softmax:
  //   dv = (f w)^T dy;  dw = f (dy v^T);  dx = w (dw - rowsum(w dw));
  //   dq = scale ds k;  dk = scale ds^T q;  dbias = dx, summed over broadcast dimensions;
  //   ds = dx, with a cap times 1 - tanh^2.
  static variable_list backward(AutogradContext* context, const variable_list& upstream) {
    const auto saved = context->get_saved_variables();
    const auto &q = saved[0], &k = saved[1], &v = saved[2], &bias = saved[3], &relative = saved[4],
               &saved_weights = saved[5];
    const auto& dy = upstream[0];  // [B, H, T, Dh]
    const auto capsule = context->saved_data["args"].toCapsule();
    AttendArgs args = static_cast<const SavedArgs&>(*capsule).args;
    args.bias = bias;
    args.relative_bias = relative;
    const double scale = scale_of(args, q);
    const bool skip_hidden = context->saved_data["skip_hidden"].toBool();
    const int64_t H = q.size(1), Hkv = k.size(1);
    // Second derivatives need the weights as a function of the inputs.
    auto w =
        torch::GradMode::is_enabled() ? attention_weights(q, k, args, skip_hidden) : saved_weights;
    // A query without upstream gradient, such as a padded one, adds nothing.
    if (skip_hidden) w = w.masked_fill(dy.detach().eq(0).all(-1, /*keepdim=*/true), 0.0);
    auto used = w;
    auto dw = torch::matmul(dy, repeat_kv_heads(v, H).transpose(-2, -1));  // [B, H, T, S]
    if (args.dropout > 0.0) {
      const auto factors = dropout_factors(args, w);
      used = w * factors;
      dw = dw * factors;
    }
    if (skip_hidden) dw = dw.masked_fill(w.detach().eq(0), 0.0);
    const auto product = skip_hidden ? visible_product : full_product;
    const auto dv = product(used.transpose(-2, -1), dy);            // [B, H, S, Dh]
    const auto dx = w * (dw - (w * dw).sum(-1, /*keepdim=*/true));  // [B, H, T, S]
    const auto ds = through_cap(dx, q, k, args, skip_hidden);       // [B, H, T, S]
    const auto dq = product(ds, repeat_kv_heads(k, H)) * scale;     // [B, H, T, Dh]
    const auto dk = product(ds.transpose(-2, -1), q) * scale;       // [B, H, S, Dh]
    torch::Tensor dbias, drelative;
    if (bias.defined()) dbias = at::sum_to(dx, bias.sizes()).to(bias.scalar_type());
    if (relative.defined()) drelative = sum_diagonals(args, dx).to(relative.scalar_type());
    return {dq, sum_groups(dk, Hkv), sum_groups(dv, Hkv), dbias, drelative, {}};
  }
};

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
    // Autograd takes nullopt as an input, but no undefined tensor.
    const auto given = [](const torch::Tensor& t) {
      return t.defined() ? std::optional(t) : std::nullopt;
    };
    return MatmulFunction::apply(q, k, v, given(args.bias), given(args.relative_bias), args);
  }
};

}  // namespace

const AttentionKernel& matmul_kernel() {
  static const MatmulKernel kernel;
  return kernel;
}

}  // namespace zoo
