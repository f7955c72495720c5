// The CUDA rungs on the GPU. Pointers are the device's; the work is queued on a stream of it
// (cudaStream_t).
#pragma once
#include "models/attention/kernels/cuda/rungs.h"

namespace zoo::cuda {

/// Throws std::runtime_error with CUDA's words where a kernel cannot be started.
void launch_forward(Rung rung, const PlainCall<float>& call, const PlainResult<float>& result,
                    void* stream);
void launch_backward(Rung rung, const PlainCall<float>& call,
                     const PlainGradients<float>& gradients, void* stream);

/// cuda-tensor, for BFloat16Bits and Float16Bits.
template <class Entry>
void launch_forward(const PlainCall<float, Entry>& call, const PlainResult<float, Entry>& result,
                    void* stream);
template <class Entry>
void launch_backward(const PlainCall<float, Entry>& call,
                     const PlainGradients<float, Entry>& gradients, void* stream);

/// Whether the device can run cuda-tensor: its tensor cores take bfloat16 from generation 8.0 on.
bool has_tensor_cores(int device);

}  // namespace zoo::cuda
