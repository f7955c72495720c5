// From tensors to pointers, and the autograd function of the kernels on pointers.
#include "models/attention/kernels/pointer_kernel.h"

#include <c10/core/DeviceGuard.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>
#include <limits>
#include <optional>
#include <utility>

namespace zoo {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// The same tensor with contiguous rows of Dh entries, as the kernels require.
torch::Tensor with_dense_rows(const torch::Tensor& t) {
  return t.size(-1) == 1 || t.stride(-1) == 1 ? t : t.contiguous();
}

/// [B, H, L, Dh] in the memory order [B, L, H, Dh]: merging the heads after it needs no copy.
torch::Tensor empty_heads(at::IntArrayRef sizes, const torch::TensorOptions& options) {
  const int64_t H = sizes[1], L = sizes[2], Dh = sizes[3];
  return torch::empty_strided(sizes, {L * H * Dh, Dh, H * Dh, 1}, options);
}

template <typename Entry>
Rows<Entry> rows_of(const torch::Tensor& t) {
  TORCH_INTERNAL_ASSERT(t.element_size() == sizeof(Entry));
  return {static_cast<Entry*>(const_cast<void*>(t.const_data_ptr())), t.stride(0), t.stride(1),
          t.stride(2)};
}

/// The type of scores and sums.
torch::Dtype real_of(torch::Dtype dtype) {
  return dtype == torch::kDouble ? torch::kDouble : torch::kFloat;
}

/// Calls f with a value of the type of scores, and one of the type of entries.
template <typename F>
void with_types(torch::Dtype dtype, F f) {
  switch (dtype) {
    case torch::kDouble:
      return f(double{}, double{});
    case torch::kBFloat16:
      return f(float{}, BFloat16Bits{});
    case torch::kHalf:
      return f(float{}, Float16Bits{});
    default:
      TORCH_INTERNAL_ASSERT(dtype == torch::kFloat);
      return f(float{}, float{});
  }
}

template <typename Element>
Broadcast<Element> broadcast_of(const torch::Tensor& t, at::IntArrayRef scores) {
  if (!t.defined()) return {};
  const auto wide = t.expand(scores);
  return {wide.const_data_ptr<Element>(), wide.stride(0), wide.stride(1), wide.stride(2),
          wide.stride(3)};
}

/// The tensors that KernelArgs points into.
struct KernelInputs {
  torch::Tensor q, k, v;
  AttendArgs args;

  KernelInputs(const torch::Tensor& q_, const torch::Tensor& k_, const torch::Tensor& v_,
               AttendArgs args_)
      : q(with_dense_rows(q_)),
        k(with_dense_rows(k_)),
        v(with_dense_rows(v_)),
        args(std::move(args_)) {
    const auto here = [&](torch::Tensor& t) { t = t.defined() ? t.to(q.device()) : t; };
    const auto here_as_scores = [&](torch::Tensor& t) {
      t = t.defined() ? t.detach().to(q.options().dtype(real_of(q.scalar_type()))) : t;
    };
    for (torch::Tensor* t : {&args.query_start, &args.key_lengths, &args.prefix_lengths,
                             &args.may_attend, &args.block_layout})
      here(*t);
    for (torch::Tensor* t :
         {&args.query_start, &args.key_lengths, &args.prefix_lengths, &args.block_layout})
      if (t->defined()) *t = t->contiguous();
    here_as_scores(args.bias);
    here_as_scores(args.relative_bias);
    if (args.relative_bias.defined()) args.relative_bias = args.relative_bias.contiguous();
  }

  template <typename Real, typename Entry>
  KernelArgs<Real, Entry> pointers() const {
    KernelArgs<Real, Entry> out;
    out.B = q.size(0), out.H = q.size(1), out.T = q.size(2), out.Dh = q.size(3);
    out.Hkv = k.size(1), out.S = k.size(2);
    out.q = rows_of<const Entry>(q), out.k = rows_of<const Entry>(k),
    out.v = rows_of<const Entry>(v);
    out.scale =
        static_cast<Real>(args.scale.value_or(1.0 / std::sqrt(static_cast<double>(out.Dh))));
    out.score_cap = static_cast<Real>(args.score_cap);
    out.causal = args.causal;
    out.window = std::min(args.window.value_or(out.kNoWindow), out.kNoWindow);
    const auto numbers = [](const torch::Tensor& t) {
      return t.defined() ? t.const_data_ptr<int64_t>() : nullptr;
    };
    out.query_start = numbers(args.query_start);
    out.key_lengths = numbers(args.key_lengths);
    out.prefix_lengths = numbers(args.prefix_lengths);
    out.global_tokens = args.global_tokens;
    if (const auto& layout = args.block_layout; layout.defined()) {
      out.block_layout = {layout.const_data_ptr<bool>(), layout.dim() == 3 ? layout.stride(0) : 0,
                          layout.size(-2), layout.size(-1), args.block_size};
    }
    const int64_t scores[] = {out.B, out.H, out.T, out.S};
    out.may_attend = broadcast_of<bool>(args.may_attend, scores);
    out.bias = broadcast_of<Real>(args.bias, scores);
    if (args.relative_bias.defined()) out.relative_bias = args.relative_bias.const_data_ptr<Real>();
    out.dropout = args.dropout;
    out.dropout_seed = args.dropout_seed.value_or(0);
    out.dropout_row = args.dropout_row;
    return out;
  }
};

struct Output {
  torch::Tensor y, row_max, inverse_row_sum;
};

Output run_forward(const PointerKernel& kernel, const KernelInputs& inputs, bool for_backward) {
  const c10::OptionalDeviceGuard guard(inputs.q.device());
  const auto options = inputs.q.options().requires_grad(false);
  Output out{empty_heads(inputs.q.sizes(), options), {}, {}};  // [B, H, T, Dh]
  if (for_backward) {
    out.row_max = torch::empty({inputs.q.size(0), inputs.q.size(1), inputs.q.size(2)},
                               options.dtype(real_of(inputs.q.scalar_type())));  // [B, H, T]
    out.inverse_row_sum = torch::empty_like(out.row_max);
  }
  torch::Tensor weights;
  if (inputs.args.weights != nullptr) {
    weights = torch::zeros({inputs.q.size(0), inputs.q.size(1), inputs.q.size(2), inputs.k.size(2)},
                           options.dtype(real_of(inputs.q.scalar_type())));
    *inputs.args.weights = weights;
  }
  with_types(inputs.q.scalar_type(), [&](auto real, auto entry) {
    using Real = decltype(real);
    using Entry = decltype(entry);
    kernel.forward(
        inputs.pointers<Real, Entry>(),
        {.y = rows_of<Entry>(out.y),
         .row_max = for_backward ? out.row_max.data_ptr<Real>() : nullptr,
         .inverse_row_sum = for_backward ? out.inverse_row_sum.data_ptr<Real>() : nullptr,
         .weights = weights.defined() ? weights.data_ptr<Real>() : nullptr});
  });
  return out;
}

/// What backward needs besides the saved tensors.
struct Kept : torch::CustomClassHolder {
  Kept(const PointerKernel& kernel_, AttendArgs args_) : kernel(kernel_), args(std::move(args_)) {}
  const PointerKernel& kernel;
  AttendArgs args;
};

struct PointerFunction : torch::autograd::Function<PointerFunction> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& q,
                               const torch::Tensor& k, const torch::Tensor& v,
                               const std::optional<torch::Tensor>& relative_bias,
                               const PointerKernel* kernel, const AttendArgs& args) {
    if (relative_bias) context->saved_data["relative_type"] = relative_bias->scalar_type();
    context->saved_data["trains_relative"] = relative_bias && relative_bias->requires_grad();
    const KernelInputs inputs(q, k, v, args);
    const Output out = run_forward(*kernel, inputs, /*for_backward=*/true);
    AttendArgs kept = inputs.args;
    kept.weights = nullptr;
    // Lengths may change before backward (a cache grows). Autograd reports changes of the rest.
    for (torch::Tensor* rows :
         {&kept.query_start, &kept.key_lengths, &kept.prefix_lengths, &kept.block_layout})
      if (rows->defined()) *rows = rows->clone();
    context->save_for_backward({inputs.q, inputs.k, inputs.v, out.y, out.row_max,
                                out.inverse_row_sum, std::exchange(kept.may_attend, {}),
                                std::exchange(kept.bias, {}),
                                std::exchange(kept.relative_bias, {})});
    context->saved_data["call"] =
        c10::IValue::make_capsule(c10::make_intrusive<Kept>(*kernel, std::move(kept)));
    return out.y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& upstream) {
    const auto saved = context->get_saved_variables();
    const auto capsule = context->saved_data["call"].toCapsule();
    const auto& kept = static_cast<const Kept&>(*capsule);
    TORCH_CHECK(!torch::GradMode::is_enabled(), "attention kernel '", kept.kernel.name(),
                "': it has no second derivatives; use kernel 'matmul'");
    AttendArgs args = kept.args;
    args.may_attend = saved[6];
    args.bias = saved[7];
    args.relative_bias = saved[8];
    const c10::OptionalDeviceGuard guard(saved[0].device());
    const KernelInputs inputs(saved[0], saved[1], saved[2], std::move(args));
    const auto& y = saved[3];
    const auto dy = with_dense_rows(upstream[0]);
    const auto dq = empty_heads(inputs.q.sizes(), y.options()),  // [B, H, T, Dh]
        dk = empty_heads(inputs.k.sizes(), y.options()),         // [B, Hkv, S, Dh]
        dv = empty_heads(inputs.v.sizes(), y.options());         // [B, Hkv, S, Dh]
    const auto delta = torch::empty_like(saved[4]);              // [B, H, T]
    torch::Tensor drelative;
    if (context->saved_data["trains_relative"].toBool()) {
      drelative = torch::zeros({inputs.q.size(0), inputs.q.size(1), saved[8].size(1)},
                               saved[4].options());  // [B, H, T + S - 1]
    }
    with_types(y.scalar_type(), [&](auto real, auto entry) {
      using Real = decltype(real);
      using Entry = decltype(entry);
      kept.kernel.backward(
          inputs.pointers<Real, Entry>(),
          {.y = rows_of<const Entry>(y),
           .dy = rows_of<const Entry>(dy),
           .row_max = saved[4].const_data_ptr<Real>(),
           .inverse_row_sum = saved[5].const_data_ptr<Real>(),
           .delta = delta.data_ptr<Real>(),
           .dq = rows_of<Entry>(dq),
           .dk = rows_of<Entry>(dk),
           .dv = rows_of<Entry>(dv),
           .drelative_bias = drelative.defined() ? drelative.data_ptr<Real>() : nullptr});
    });
    if (drelative.defined())
      drelative = drelative.sum(0).to(context->saved_data["relative_type"].toScalarType());
    return {dq, dk, dv, drelative, {}, {}};
  }
};

/// The type in which a kernel computes tensors of type `dtype`.
torch::Dtype compute_type(torch::Dtype dtype, bool halves) {
  const bool half = dtype == torch::kBFloat16 || dtype == torch::kHalf;
  if (halves) return half ? dtype : torch::kBFloat16;
  return dtype == torch::kDouble ? dtype : torch::kFloat;
}

bool wants_gradient(const torch::Tensor& t) { return t.defined() && t.requires_grad(); }

}  // namespace

void PointerKernel::missing() const {
  TORCH_INTERNAL_ASSERT(false, "kernel '", name(),
                        "' does not implement what its abilities() promise");
}

std::string PointerKernel::refuses(const torch::Tensor& q, const torch::Tensor& k,
                                   const torch::Tensor& v, const AttendArgs& args) const {
  const Abilities can = abilities();
  if (q.device().type() != can.device) {
    return can.device == torch::kCPU ? "it runs on the CPU; use kernel 'torch' or 'matmul'"
                                     : "it runs on a GPU; use kernel 'flash' or 'matmul'";
  }
  if (can.max_head_width > 0 && q.size(3) > can.max_head_width) {
    return "it takes heads of at most " + std::to_string(can.max_head_width) +
           " numbers; use kernel 'matmul'";
  }
  if (k.size(2) > std::numeric_limits<int32_t>::max())
    return "it takes at most 2^31 - 1 keys; use kernel 'matmul'";
  if (!can.float64 && q.scalar_type() == torch::kDouble) {
    return std::string("it computes in ") + (can.halves ? "16 bits" : "float32") +
           "; use kernel 'matmul' for float64";
  }
  if (!can.weights && args.weights != nullptr)
    return "it never forms a whole row of attention weights; use kernel 'matmul' for them";
  if (!can.segments && (args.block_layout.defined() || (args.window && args.global_tokens > 0)))
    return "it takes no global tokens and no block layouts; use kernel 'matmul'";
  if (!can.score_cap && args.score_cap > 0.0) return "it caps no scores; use kernel 'matmul'";
  if (!torch::GradMode::is_enabled()) return {};
  if (!can.backward && (wants_gradient(q) || wants_gradient(k) || wants_gradient(v)))
    return "it has no backward pass; use kernel 'matmul' to train";
  if (wants_gradient(args.bias))
    return "its backward pass computes no gradient of a dense bias; use kernel 'matmul'";
  if (wants_gradient(args.relative_bias) && !can.relative_bias_backward)
    return "its backward pass computes no gradient of relative_bias; use kernel 'matmul'";
  return {};
}

torch::Tensor PointerKernel::run(const torch::Tensor& q, const torch::Tensor& k,
                                 const torch::Tensor& v, const AttendArgs& args) const {
  const auto dtype = q.scalar_type();
  if (const auto type = compute_type(dtype, abilities().halves); type != dtype) {
    const auto y = run(q.to(type), k.to(type), v.to(type), args);
    if (args.weights != nullptr) *args.weights = args.weights->to(dtype);
    return y.to(dtype);
  }
  const bool trains =
      torch::GradMode::is_enabled() && (wants_gradient(q) || wants_gradient(k) ||
                                        wants_gradient(v) || wants_gradient(args.relative_bias));
  if (trains) {
    // Autograd takes nullopt as an input, but no undefined tensor.
    const auto relative =
        args.relative_bias.defined() ? std::optional(args.relative_bias) : std::nullopt;
    return PointerFunction::apply(q, k, v, relative, this, args);
  }
  return run_forward(*this, KernelInputs(q, k, v, args), /*for_backward=*/false).y;
}

}  // namespace zoo
