#include "notebooks-cpp/exercises/grader/use.h"
#include "models/layers/own_layers.h"
#include "notebooks-cpp/exercises/09_layer_norm/layer_norm.h"

namespace {

/// Both halves of the exercise: training runs on the backward pass that was written by hand.
struct OwnNorm : torch::autograd::Function<OwnNorm> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& weight, const torch::Tensor& bias,
                               double epsilon) {
    context->save_for_backward({x, weight});
    context->saved_data["epsilon"] = epsilon;
    return layer_norm(x, weight, bias, epsilon);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& upstream) {
    const auto saved = context->get_saved_variables();
    const auto [dx, dweight, dbias] = layer_norm_backward(
        upstream[0], saved[0], saved[1], context->saved_data["epsilon"].toDouble());
    return {dx, dweight, dbias, torch::Tensor()};
  }
};

torch::Tensor own_layer_norm(const torch::Tensor& x, const torch::Tensor& weight,
                             const torch::Tensor& bias, double epsilon) {
  const auto shift = bias.defined() ? bias : torch::zeros_like(weight);
  return OwnNorm::apply(x, weight, shift, epsilon);
}

}  // namespace

EXERCISE_USE(exercises::own<zoo::OwnLayerNorm>("layer_norm", &own_layer_norm))
