// Activation functions on tensors.
#pragma once
#include <torch/types.h>

#include "models/layers/activation.h"

namespace zoo {

/// f(x) for any shape. SwiGLU: [..., 2 F], gates before values, -> [..., F]. Uses
/// activation_kernels.h for float32 on the CPU, else torch's operators; results are equal up to
/// rounding. Second derivatives use torch's operators.
torch::Tensor activate(const torch::Tensor& x, Activation f);

}  // namespace zoo
