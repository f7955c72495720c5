// The CUDA kernels on the GPU. Pointers are device pointers; work is queued on a stream
// (cudaStream_t).
#pragma once
#include "models/attention/kernels/cuda/variants.h"

namespace zoo::cuda {

/// For the Entry types that the variant computes in: float, or BFloat16Bits and Float16Bits. Throws
/// std::runtime_error with CUDA's message where a kernel cannot be started.
template <class Entry>
void launch_forward(Variant variant, const KernelArgs<float, Entry>& args,
                    const KernelOutputs<float, Entry>& outputs, void* stream);
template <class Entry>
void launch_backward(Variant variant, const KernelArgs<float, Entry>& args,
                     const KernelGradients<float, Entry>& gradients, void* stream);

/// Whether the device can run cuda-tensor: from compute capability 8.0 on.
bool has_tensor_cores(int device);

}  // namespace zoo::cuda
