// The block code of the variants as CUDA kernels. Without torch headers nvcc compiles it in
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

template <class Chosen, Pass kPass, class Args, class Output>
__global__ __launch_bounds__(Chosen::kThreads) void run_pass(
    const __grid_constant__ Args args, const __grid_constant__ Output output) {
#if defined(__CUDA_ARCH__)
  if constexpr (__CUDA_ARCH__ >= Chosen::kMinArchitecture) {
    GpuBlock block;
    run_thread<Chosen, kPass>(block, args, output);
  }
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
  constexpr size_t kDefault = 48 * 1024;  // a block that needs more must request it
  if (bytes > kDefault) {
    check(what, cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                     static_cast<int>(bytes)));
  }
  kernel<<<static_cast<unsigned>(grid.blocks), grid.threads, bytes,
           static_cast<cudaStream_t>(stream)>>>(arguments...);
  check(what, cudaPeekAtLastError());
}

template <Pass kPass, class Entry, class Output>
void launch_pass(const char* what, Variant variant, const KernelArgs<float, Entry>& args,
                 const Output& output, void* stream) {
  with_variant<Entry>(variant, args.Dh, [&](auto chosen) {
    using Chosen = decltype(chosen);
    launch(what, stream, run_pass<Chosen, kPass, KernelArgs<float, Entry>, Output>,
           Chosen::grid(kPass, args), args, output);
  });
}

}  // namespace

template <class Entry>
void launch_forward(Variant variant, const KernelArgs<float, Entry>& args,
                    const KernelOutputs<float, Entry>& outputs, void* stream) {
  launch_pass<Pass::kForward>("attention forward", variant, args, outputs, stream);
}

template <class Entry>
void launch_backward(Variant variant, const KernelArgs<float, Entry>& args,
                     const KernelGradients<float, Entry>& gradients, void* stream) {
  launch_pass<Pass::kBackwardQueries>("attention backward, queries", variant, args, gradients,
                                      stream);
  launch_pass<Pass::kBackwardKeys>("attention backward, keys", variant, args, gradients, stream);
}

#define ZOO_INSTANTIATE(Entry)                                             \
  template void launch_forward(Variant, const KernelArgs<float, Entry>&,   \
                               const KernelOutputs<float, Entry>&, void*); \
  template void launch_backward(Variant, const KernelArgs<float, Entry>&,  \
                                const KernelGradients<float, Entry>&, void*)
ZOO_INSTANTIATE(float);
ZOO_INSTANTIATE(BFloat16Bits);
ZOO_INSTANTIATE(Float16Bits);
#undef ZOO_INSTANTIATE

bool has_tensor_cores(int device) {
  int generation = 0;
  const auto status =
      cudaDeviceGetAttribute(&generation, cudaDevAttrComputeCapabilityMajor, device);
  if (status != cudaSuccess) cudaGetLastError();  // or the next launch would report this error
  return status == cudaSuccess && generation >= 8;
}

}  // namespace zoo::cuda
