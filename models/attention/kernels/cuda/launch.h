// The CUDA rungs on the GPU. Pointers are the device's; the work is queued on the default stream.
#pragma once
#include "models/attention/kernels/cuda/rungs.h"

namespace zoo::cuda {

/// Throws std::runtime_error with CUDA's words where a kernel cannot be started.
void launch_forward(Rung rung, const PlainCall<float>& call, const PlainResult<float>& result);
void launch_backward(Rung rung, const PlainCall<float>& call,
                     const PlainGradients<float>& gradients);

// cuda-tensor.
void launch_forward(const PlainCall<float, BFloat16Bits>& call,
                    const PlainResult<float, BFloat16Bits>& result);
void launch_forward(const PlainCall<float, Float16Bits>& call,
                    const PlainResult<float, Float16Bits>& result);
void launch_backward(const PlainCall<float, BFloat16Bits>& call,
                     const PlainGradients<float, BFloat16Bits>& gradients);
void launch_backward(const PlainCall<float, Float16Bits>& call,
                     const PlainGradients<float, Float16Bits>& gradients);

/// Whether the device can run cuda-tensor: its tensor cores take bfloat16 from generation 8.0 on.
bool has_tensor_cores(int device);

}  // namespace zoo::cuda
