// Activation functions of one number, forward and backward, in float32 on the CPU: SIMD (Google
// Highway: compiled once for each instruction set, the best chosen when the program runs), and
// torch's threads.
#pragma once
#include <cstdint>

#include "models/layers/activation.h"

namespace zoo {

/// Whether f has a kernel here. SwiGLU joins two numbers, and a ReLU is a matter of memory alone.
constexpr bool has_activation_kernel(Activation f) {
  return f != Activation::kRelu && f != Activation::kSwiglu;
}

/// y[i] = f(x[i]) for `count` numbers. Infinities give what f tends to, NaN stays NaN.
void apply_activation(Activation f, const float* x, int64_t count, float* y);

/// dx[i] = dy[i] f'(x[i])
void differentiate_activation(Activation f, const float* x, const float* dy, int64_t count,
                              float* dx);

}  // namespace zoo
