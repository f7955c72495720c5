// The rungs' block logic as CUDA kernels. Without torch headers: nvcc compiles this in
// seconds.
#include <stdexcept>
#include <string>

#include "models/attention/kernels/cuda/launch.h"

namespace zoo::cuda {
namespace {

struct GpuBlock {
  __device__ int64_t index() const { return blockIdx.x; }
  __device__ int64_t thread() const { return threadIdx.x; }
  __device__ int64_t threads() const { return blockDim.x; }
  __device__ void sync() const { __syncthreads(); }
  __device__ float* shared() const {
    extern __shared__ float memory[];
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

void check(const char* what) {
  const cudaError_t error = cudaGetLastError();
  if (error != cudaSuccess)
    throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(error));
}

template <class Kernel, class... Arguments>
void launch(const char* what, Kernel kernel, const Grid& grid, const Arguments&... arguments) {
  kernel<<<static_cast<unsigned>(grid.blocks), grid.threads,
           static_cast<size_t>(grid.shared) * sizeof(float)>>>(arguments...);
  check(what);
}

template <Rung kRung>
void backward_of(const PlainCall<float>& call, const PlainGradients<float>& gradients) {
  launch("attention backward, queries", backward_queries_kernel<kRung>,
         grid_of(kRung, Pass::kBackwardQueries, call), call, gradients);
  launch("attention backward, keys", backward_keys_kernel<kRung>,
         grid_of(kRung, Pass::kBackwardKeys, call), call, gradients);
}

template <Rung kRung>
void forward_of(const PlainCall<float>& call, const PlainResult<float>& result) {
  launch("attention forward", forward_kernel<kRung>, grid_of(kRung, Pass::kForward, call), call,
         result);
}

}  // namespace

void launch_forward(Rung rung, const PlainCall<float>& call, const PlainResult<float>& result) {
  switch (rung) {
    case Rung::kNaive:
      return forward_of<Rung::kNaive>(call, result);
    case Rung::kTiled:
      return forward_of<Rung::kTiled>(call, result);
    case Rung::kWarps:
      return forward_of<Rung::kWarps>(call, result);
  }
}

void launch_backward(Rung rung, const PlainCall<float>& call,
                     const PlainGradients<float>& gradients) {
  switch (rung) {
    case Rung::kNaive:
      return backward_of<Rung::kNaive>(call, gradients);
    case Rung::kTiled:
      return backward_of<Rung::kTiled>(call, gradients);
    case Rung::kWarps:
      return backward_of<Rung::kWarps>(call, gradients);
  }
}

}  // namespace zoo::cuda
