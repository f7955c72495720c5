// The CUDA rungs on the GPU. Pointers are the device's; the work is queued on the default stream.
#pragma once
#include "models/attention/kernels/cuda/rungs.h"

namespace zoo::cuda {

/// Throws std::runtime_error with CUDA's words where a kernel cannot be started.
void launch_forward(Rung rung, const PlainCall<float>& call, const PlainResult<float>& result);
void launch_backward(Rung rung, const PlainCall<float>& call,
                     const PlainGradients<float>& gradients);

}  // namespace zoo::cuda
