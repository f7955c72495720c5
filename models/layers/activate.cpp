// Chooses the kernels or torch's operators, forward and backward.
#include "models/layers/activate.h"

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include "models/layers/activation_kernels.h"

namespace zoo {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

torch::Tensor by_torch(const torch::Tensor& x, Activation f) {
  switch (f) {
    case Activation::kRelu:
      return torch::relu(x);
    case Activation::kGelu:
      return torch::gelu(x);
    case Activation::kGeluTanh:
      return torch::gelu(x, "tanh");
    case Activation::kQuickGelu:
      return x * torch::sigmoid(x * 1.702);
    case Activation::kSilu:
      return torch::silu(x);
    case Activation::kSwiglu:
    case Activation::kGeglu:
    case Activation::kGegluTanh:
    case Activation::kReglu: {
      const auto halves = x.chunk(2, -1);                     // [..., F] twice
      return by_torch(halves[0], gate_of(f)).mul(halves[1]);  // [..., F]  Shazeer 2020, Eq. 5
    }
  }
  TORCH_CHECK(false, "activate: unknown activation");
}

bool has_kernel(const torch::Tensor& x, Activation f) {
  return has_activation_kernel(f) && x.device().is_cpu() && x.scalar_type() == torch::kFloat &&
         x.layout() == torch::kStrided;
}

torch::Tensor by_kernel(const torch::Tensor& x, Activation f) {
  const auto dense = x.resolve_neg().contiguous();
  auto y = torch::empty_like(dense);
  apply_activation(f, dense.const_data_ptr<float>(), dense.numel(), y.data_ptr<float>());
  return y;
}

torch::Tensor gradient_by_kernel(const torch::Tensor& x, Activation f, const torch::Tensor& dy) {
  const auto dense = x.resolve_neg().contiguous(), dense_dy = dy.resolve_neg().contiguous();
  auto dx = torch::empty_like(dense);
  differentiate_activation(f, dense.const_data_ptr<float>(), dense_dy.const_data_ptr<float>(),
                           dense.numel(), dx.data_ptr<float>());
  return dx;
}

struct ActivationFunction : torch::autograd::Function<ActivationFunction> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x, Activation f) {
    context->save_for_backward({x});
    context->saved_data["activation"] = static_cast<int64_t>(f);
    return by_kernel(x, f);
  }

  static variable_list backward(AutogradContext* context, const variable_list& upstream) {
    const auto x = context->get_saved_variables()[0];
    const auto f = static_cast<Activation>(context->saved_data["activation"].toInt());
    if (!torch::GradMode::is_enabled()) return {gradient_by_kernel(x, f, upstream[0]), {}};
    // Double backward: recompute with torch's operators, which can be differentiated again.
    const auto dx = torch::autograd::grad({by_torch(x, f)}, {x}, {upstream[0]},
                                          /*retain_graph=*/true, /*create_graph=*/true);
    return {dx[0], {}};
  }
};

}  // namespace

torch::Tensor activate(const torch::Tensor& x, Activation f) {
  if (!has_kernel(x, f)) return by_torch(x, f);
  if (torch::GradMode::is_enabled() && x.requires_grad()) return ActivationFunction::apply(x, f);
  return by_kernel(x, f);
}

}  // namespace zoo
