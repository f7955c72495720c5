// Asks torch for devices without linking CUDA.
#include "models/device.h"

#include <ATen/Parallel.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/util/Exception.h>

namespace zoo {

namespace {

int64_t default_gpu = 0;

}  // namespace

void set_default_gpu(int64_t index) { default_gpu = index; }

torch::Device find_device(std::string_view name) {
  const auto& cuda = at::detail::getCUDAHooks();
  const bool has_cuda = cuda.hasCUDA() && cuda.deviceCount() > 0;
  const auto gpu = [&] {
    return torch::Device(torch::kCUDA,
                         static_cast<torch::DeviceIndex>(default_gpu % cuda.deviceCount()));
  };
  if (name == "auto") return has_cuda ? gpu() : torch::Device(torch::kCPU);
  if (name == "cpu") return torch::Device(torch::kCPU);
  TORCH_CHECK(name == "cuda" || name.starts_with("cuda:"), "device: unknown '", name,
              "'; known are: auto, cpu, cuda, cuda:N");
  TORCH_CHECK(has_cuda, "device: '", name,
              "' needs a CUDA device and a build with one (cmake --preset cuda); use cpu");
  if (name == "cuda") return gpu();
  const torch::Device device{std::string(name)};
  TORCH_CHECK(device.index() < cuda.deviceCount(), "device: '", name,
              "' is not there; CUDA devices are 0 to ", cuda.deviceCount() - 1);
  return device;
}

void set_threads(int64_t threads) {
  TORCH_CHECK(threads >= 0 && threads <= 4096,
              "threads: must be between 0 (all cores) and 4096, got ", threads);
  if (threads > 0) at::set_num_threads(static_cast<int>(threads));
}

std::string describe_device(torch::Device device) {
  if (!device.is_cpu()) return device.str();
  const int threads = at::get_num_threads();
  return "cpu, " + std::to_string(threads) + (threads == 1 ? " thread" : " threads");
}

}  // namespace zoo
