// The rungs' block logic as CUDA kernels. Without torch headers: nvcc compiles this in
// seconds.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <stdexcept>
#include <string>
#include <type_traits>

#include "models/attention/kernels/cuda/launch.h"

namespace zoo::cuda {
namespace {

struct GpuBlock {
  __device__ int64_t index() const { return blockIdx.x; }
  __device__ int64_t thread() const { return threadIdx.x; }
  __device__ int64_t threads() const { return blockDim.x; }
  __device__ void sync() const { __syncthreads(); }
  __device__ float* shared() const {
    extern __shared__ __align__(16) float memory[];
    return memory;
  }
  __device__ float warp_max(float x) const {
    for (int distance = kWarp / 2; distance > 0; distance /= 2)
      x = fmaxf(x, __shfl_xor_sync(0xFFFFFFFFu, x, distance));
    return x;
  }
  __device__ float warp_sum(float x) const {
    for (int distance = kWarp / 2; distance > 0; distance /= 2)
      x += __shfl_xor_sync(0xFFFFFFFFu, x, distance);
    return x;
  }
  __device__ float warp_get(float x, int lane) const { return __shfl_sync(0xFFFFFFFFu, x, lane); }

  __device__ float exp2(float x) const {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
  }
  __device__ void load_pieces(uint32_t (&pieces)[4], const uint16_t* row, bool transposed) const {
    const auto at = static_cast<unsigned>(__cvta_generic_to_shared(row));
    if (transposed) {
      asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                   : "=r"(pieces[0]), "=r"(pieces[1]), "=r"(pieces[2]), "=r"(pieces[3])
                   : "r"(at)
                   : "memory");
    } else {
      asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                   : "=r"(pieces[0]), "=r"(pieces[1]), "=r"(pieces[2]), "=r"(pieces[3])
                   : "r"(at)
                   : "memory");
    }
  }
  __device__ void copy_async(uint16_t* to, const void* from) const {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(
                     static_cast<unsigned>(__cvta_generic_to_shared(to))),
                 "l"(from)
                 : "memory");
#endif
  }
  __device__ void wait_for_copies() const {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.wait_all;" ::: "memory");
#endif
  }
#define ZOO_MULTIPLY_ADD(type)                                               \
  asm("mma.sync.aligned.m16n8k16.row.col.f32." type "." type                 \
      ".f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};" \
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])           \
      : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "r"(right0), "r"(right1))
  template <class Entry>
  __device__ void multiply_add(float (&sums)[4], const uint32_t (&left)[4], uint32_t right0,
                               uint32_t right1) const {
    if constexpr (std::is_same_v<Entry, BFloat16Bits>) {
      ZOO_MULTIPLY_ADD("bf16");
    } else {
      ZOO_MULTIPLY_ADD("f16");
    }
  }
#undef ZOO_MULTIPLY_ADD
  template <class Entry>
  __device__ uint32_t pack(float low, float high) const {
    if constexpr (std::is_same_v<Entry, BFloat16Bits>) {
      const __nv_bfloat162 both = __floats2bfloat162_rn(low, high);
      return reinterpret_cast<const uint32_t&>(both);
    } else {
      const __half2 both = __floats2half2_rn(low, high);
      return reinterpret_cast<const uint32_t&>(both);
    }
  }
  __device__ float unpack(BFloat16Bits x) const {
    return __uint_as_float(static_cast<uint32_t>(x.bits) << 16);
  }
  __device__ float unpack(Float16Bits x) const { return __half2float(__ushort_as_half(x.bits)); }
};

template <Rung kRung>
__global__ void forward_kernel(PlainCall<float> call, PlainResult<float> result) {
  GpuBlock block;
  forward<kRung>(block, call, result);
}

template <Rung kRung>
__global__ void backward_queries_kernel(PlainCall<float> call, PlainGradients<float> gradients) {
  GpuBlock block;
  backward_queries<kRung>(block, call, gradients);
}

template <Rung kRung>
__global__ void backward_keys_kernel(PlainCall<float> call, PlainGradients<float> gradients) {
  GpuBlock block;
  backward_keys<kRung>(block, call, gradients);
}

template <Pass kPass, int kWidth, class Call, class Output>
__global__ __launch_bounds__(kBlockThreads) void tensor_kernel(
    const __grid_constant__ Call call, const __grid_constant__ Output output) {
#if __CUDA_ARCH__ >= 800  // has_tensor_cores() says no for what is older
  GpuBlock block;
  tensor_pass<kPass, kWidth>(block, call, output);
#endif
}

void check(const char* what, cudaError_t error) {
  if (error != cudaSuccess)
    throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(error));
}

template <class Kernel, class... Arguments>
void launch(const char* what, void* stream, Kernel kernel, const Grid& grid,
            const Arguments&... arguments) {
  const auto bytes = static_cast<size_t>(grid.shared) * sizeof(float);
  constexpr size_t kUsual = 48 * 1024;  // more has to be asked for
  if (bytes > kUsual) {
    check(what, cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                     static_cast<int>(bytes)));
  }
  kernel<<<static_cast<unsigned>(grid.blocks), grid.threads, bytes,
           static_cast<cudaStream_t>(stream)>>>(arguments...);
  check(what, cudaPeekAtLastError());
}

template <Rung kRung>
void forward_of(const PlainCall<float>& call, const PlainResult<float>& result, void* stream) {
  launch("attention forward", stream, forward_kernel<kRung>, grid_of(kRung, Pass::kForward, call),
         call, result);
}

template <Rung kRung>
void backward_of(const PlainCall<float>& call, const PlainGradients<float>& gradients,
                 void* stream) {
  launch("attention backward, queries", stream, backward_queries_kernel<kRung>,
         grid_of(kRung, Pass::kBackwardQueries, call), call, gradients);
  launch("attention backward, keys", stream, backward_keys_kernel<kRung>,
         grid_of(kRung, Pass::kBackwardKeys, call), call, gradients);
}

template <Pass kPass, class Entry, class Output>
void tensor_of(const char* what, const PlainCall<float, Entry>& call, const Output& output,
               void* stream) {
  with_tensor_width(call.Dh, [&](auto width) {
    constexpr int kWidth = decltype(width)::value;
    launch(what, stream, tensor_kernel<kPass, kWidth, PlainCall<float, Entry>, Output>,
           tensor_grid<kWidth>(kPass, call), call, output);
  });
}

}  // namespace

void launch_forward(Rung rung, const PlainCall<float>& call, const PlainResult<float>& result,
                    void* stream) {
  switch (rung) {
    case Rung::kNaive:
      return forward_of<Rung::kNaive>(call, result, stream);
    case Rung::kTiled:
      return forward_of<Rung::kTiled>(call, result, stream);
    case Rung::kWarps:
      return forward_of<Rung::kWarps>(call, result, stream);
  }
}

void launch_backward(Rung rung, const PlainCall<float>& call,
                     const PlainGradients<float>& gradients, void* stream) {
  switch (rung) {
    case Rung::kNaive:
      return backward_of<Rung::kNaive>(call, gradients, stream);
    case Rung::kTiled:
      return backward_of<Rung::kTiled>(call, gradients, stream);
    case Rung::kWarps:
      return backward_of<Rung::kWarps>(call, gradients, stream);
  }
}

template <class Entry>
void launch_forward(const PlainCall<float, Entry>& call, const PlainResult<float, Entry>& result,
                    void* stream) {
  tensor_of<Pass::kForward>("attention forward", call, result, stream);
}

template <class Entry>
void launch_backward(const PlainCall<float, Entry>& call,
                     const PlainGradients<float, Entry>& gradients, void* stream) {
  tensor_of<Pass::kBackwardQueries>("attention backward, queries", call, gradients, stream);
  tensor_of<Pass::kBackwardKeys>("attention backward, keys", call, gradients, stream);
}

template void launch_forward(const PlainCall<float, BFloat16Bits>&,
                             const PlainResult<float, BFloat16Bits>&, void*);
template void launch_forward(const PlainCall<float, Float16Bits>&,
                             const PlainResult<float, Float16Bits>&, void*);
template void launch_backward(const PlainCall<float, BFloat16Bits>&,
                              const PlainGradients<float, BFloat16Bits>&, void*);
template void launch_backward(const PlainCall<float, Float16Bits>&,
                              const PlainGradients<float, Float16Bits>&, void*);

bool has_tensor_cores(int device) {
  int generation = 0;
  const auto asked = cudaDeviceGetAttribute(&generation, cudaDevAttrComputeCapabilityMajor, device);
  if (asked != cudaSuccess) cudaGetLastError();  // or the next launch would be blamed for it
  return asked == cudaSuccess && generation >= 8;
}

}  // namespace zoo::cuda
