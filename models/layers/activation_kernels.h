// Elementwise activation functions, forward and backward, in float32 on the CPU. SIMD with Google
// Highway: compiled for each instruction set, and the best is chosen at run time. Runs on torch's
// threads.
#pragma once
#include <cstdint>

#include "models/layers/activation.h"

namespace zoo {

/// Whether f has a kernel here. SwiGLU combines two numbers, and ReLU is bound by memory alone.
constexpr bool has_activation_kernel(Activation f) {
  return f != Activation::kRelu && !is_gated(f);
}

/// y[i] = f(x[i]) for `count` numbers. Infinities give the limit of f; NaN stays NaN.
void apply_activation(Activation f, const float* x, int64_t count, float* y);

/// dx[i] = dy[i] f'(x[i])
void differentiate_activation(Activation f, const float* x, const float* dy, int64_t count,
                              float* dx);

}  // namespace zoo
