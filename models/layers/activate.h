// Activation functions on tensors.
#pragma once
#include <torch/types.h>

#include "models/layers/activation.h"

namespace zoo {

/// f(x), any shape; SwiGLU: [..., 2 F], gates and then values, -> [..., F]. On the CPU in float32
/// by activation_kernels.h, else by torch's operators: the same to rounding. Second derivatives
/// come from torch's.
torch::Tensor activate(const torch::Tensor& x, Activation f);

}  // namespace zoo
