// An autograd function over the whole stack. It keeps its two outputs and the generators' states.
#include "models/mixers/reversible.h"

#include <ATen/Context.h>
#include <ATen/core/ivalue.h>
#include <c10/util/Exception.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

namespace zoo {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using SubLayer = std::function<torch::Tensor(const torch::Tensor&)>;

/// The default generators of the CPU and of the tensors' device.
struct Generators {
  std::vector<torch::Tensor> states;

  static std::vector<torch::Device> devices(torch::Device device) {
    if (device.is_cpu()) return {device};
    return {torch::Device(torch::kCPU), device};
  }
  static Generators now(torch::Device device) {
    Generators all;
    for (const torch::Device& d : devices(device))
      all.states.push_back(at::globalContext().defaultGenerator(d).get_state());
    return all;
  }
  void restore(torch::Device device) const {
    size_t n = 0;
    for (const torch::Device& d : devices(device)) {
      at::Generator generator = at::globalContext().defaultGenerator(d);
      generator.set_state(states[n++]);
    }
  }
};

/// What a pass keeps beside its outputs.
struct ReversiblePass : torch::CustomClassHolder {
  std::vector<ReversibleLayer> layers;
  std::vector<Generators> before_f, before_g;
};

torch::Tensor sum_of(const torch::Tensor& a, const torch::Tensor& b) {
  if (!a.defined()) return b;
  return b.defined() ? a + b : a;
}

/// Computes sub_layer(x) once more, and with `dy` the gradients of x and of the parameters, which
/// are added to theirs.
struct Recomputed {
  torch::Tensor y, dx;
};
Recomputed recompute(const SubLayer& sub_layer, const Generators& generators,
                     const torch::Tensor& x, const torch::Tensor& dy,
                     const std::vector<torch::Tensor>& parameters, torch::Tensor* gradients) {
  const auto input = x.detach().requires_grad_(true);
  const Generators later = Generators::now(x.device());
  generators.restore(x.device());
  torch::Tensor y;
  {
    const torch::AutoGradMode with_gradients(true);
    y = sub_layer(input);
  }
  later.restore(x.device());
  if (!dy.defined() || !y.requires_grad()) return {y.detach(), {}};
  variable_list inputs{input};
  std::vector<size_t> numbers;
  for (size_t n = 0; n < parameters.size(); ++n) {
    if (!parameters[n].requires_grad()) continue;
    inputs.push_back(parameters[n]);
    numbers.push_back(n);
  }
  const auto found = torch::autograd::grad({y}, inputs, {dy}, {}, false, /*allow_unused=*/true);
  for (size_t n = 0; n < numbers.size(); ++n)
    gradients[numbers[n]] = sum_of(gradients[numbers[n]], found[n + 1]);
  return {y.detach(), found[0]};
}

class ReversibleFunction : public torch::autograd::Function<ReversibleFunction> {
 public:
  // `parameters` of all layers, one after the other: autograd must know them as inputs.
  static variable_list forward(AutogradContext* context,
                               const c10::intrusive_ptr<ReversiblePass>& pass,
                               const torch::Tensor& x1, const torch::Tensor& x2,
                               const at::TensorList& /*parameters*/) {
    torch::Tensor y1 = x1.clone(), y2 = x2.clone();
    for (const ReversibleLayer& layer : pass->layers) {
      pass->before_f.push_back(Generators::now(y1.device()));
      y1 = y1 + layer.f(y2);  // Eq. 9
      pass->before_g.push_back(Generators::now(y1.device()));
      y2 = y2 + layer.g(y1);
    }
    context->save_for_backward({y1, y2});
    context->saved_data["pass"] = c10::IValue::make_capsule(pass);
    return {y1, y2};
  }

  static variable_list backward(AutogradContext* context, const variable_list& dy) {
    const auto pass = c10::static_intrusive_pointer_cast<ReversiblePass>(
        context->saved_data.at("pass").toCapsule());
    const auto saved = context->get_saved_variables();
    torch::Tensor y1 = saved[0].detach(), y2 = saved[1].detach(), dy1 = dy[0], dy2 = dy[1];
    size_t total = 0;
    for (const ReversibleLayer& layer : pass->layers) total += layer.parameters.size();
    variable_list gradients(3 + total);  // of the pass (none), x1, x2, parameters
    size_t first = 3 + total;
    for (size_t n = pass->layers.size(); n-- > 0;) {
      const ReversibleLayer& layer = pass->layers[n];
      first -= layer.parameters.size();
      const auto g = recompute(layer.g, pass->before_g[n], y1, dy2, layer.parameters,
                               gradients.data() + first);
      y2 = y2 - g.y;  // Eq. 10
      dy1 = sum_of(dy1, g.dx);
      const auto f = recompute(layer.f, pass->before_f[n], y2, dy1, layer.parameters,
                               gradients.data() + first);
      y1 = y1 - f.y;
      dy2 = sum_of(dy2, f.dx);
    }
    gradients[1] = dy1;
    gradients[2] = dy2;
    return gradients;
  }
};

}  // namespace

std::pair<torch::Tensor, torch::Tensor> reversible_stack(const std::vector<ReversibleLayer>& layers,
                                                         const torch::Tensor& x1,
                                                         const torch::Tensor& x2) {
  TORCH_CHECK(x1.sizes() == x2.sizes(), "reversible_stack: x1 and x2 must have one shape, got ",
              x1.sizes(), " and ", x2.sizes());
  auto pass = c10::make_intrusive<ReversiblePass>();
  pass->layers = layers;
  std::vector<torch::Tensor> all;
  for (const ReversibleLayer& layer : layers)
    all.insert(all.end(), layer.parameters.begin(), layer.parameters.end());
  const at::TensorList parameters(all);
  const auto y = ReversibleFunction::apply(pass, x1, x2, parameters);
  return {y[0], y[1]};
}

}  // namespace zoo
