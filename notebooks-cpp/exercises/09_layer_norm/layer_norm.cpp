// Exercise 09: layer norm. What to write: README.md beside this file. Grade it: scripts/grade.sh 09
#include "notebooks-cpp/exercises/09_layer_norm/layer_norm.h"

// x [..., C], weight and bias [C] -> [..., C]
torch::Tensor layer_norm(const torch::Tensor& x, const torch::Tensor& weight,
                         const torch::Tensor& bias, double epsilon) {
  // TODO 09.1 (4 marks)
  throw NotDone("09.1");
}

// dy [..., C]: gradient of the result; x [..., C], weight [C] -> dx [..., C], dweight, dbias [C]
std::tuple<torch::Tensor, torch::Tensor, torch::Tensor> layer_norm_backward(
    const torch::Tensor& dy, const torch::Tensor& x, const torch::Tensor& weight, double epsilon) {
  // TODO 09.2 (6 marks)
  throw NotDone("09.2");
}
