// Exercise 09: layer norm. What to write: README.md beside this file. Grade it: scripts/grade.sh 09
#include "notebooks-cpp/exercises/09_layer_norm/layer_norm.h"

// x [..., C], weight and bias [C] -> [..., C]
torch::Tensor layer_norm(const torch::Tensor& x, const torch::Tensor& weight,
                         const torch::Tensor& bias, double epsilon) {
  // BEGIN SOLUTION 09.1 (4)
  const auto centred = x - x.mean(-1, true);              // [..., C]
  const auto variance = centred.square().mean(-1, true);  // [..., 1], divided by C
  return centred / (variance + epsilon).sqrt() * weight + bias;
  // END SOLUTION
}

// dy [..., C]: gradient of the result; x [..., C], weight [C] -> dx [..., C], dweight, dbias [C]
std::tuple<torch::Tensor, torch::Tensor, torch::Tensor> layer_norm_backward(
    const torch::Tensor& dy, const torch::Tensor& x, const torch::Tensor& weight, double epsilon) {
  // BEGIN SOLUTION 09.2 (6)
  const auto centred = x - x.mean(-1, true);
  const auto inverse = (centred.square().mean(-1, true) + epsilon).rsqrt();  // [..., 1]
  const auto normal = centred * inverse;  // [..., C]: x, normalised
  const auto g = dy * weight;             // its gradient
  // The mean and the variance depend on x, too: each takes its share away.
  const auto dx = inverse * (g - g.mean(-1, true) - normal * (g * normal).mean(-1, true));
  const int64_t C = x.size(-1);
  return {dx, (dy * normal).reshape({-1, C}).sum(0), dy.reshape({-1, C}).sum(0)};
  // END SOLUTION
}
