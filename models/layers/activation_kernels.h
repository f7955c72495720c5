// Activation functions of one number, in float32 on the CPU, with their slopes: SIMD (Google
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

/// y[i] = f(x[i]) for `count` numbers; and slopes[i] = f'(x[i]) unless slopes is null.
/// Infinities give what f tends to, NaN stays NaN.
void apply_activation(Activation f, const float* x, int64_t count, float* y, float* slopes);

}  // namespace zoo
