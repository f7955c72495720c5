// Where and with how many threads torch computes: the meaning of --device and --threads in every
// program.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace zoo {

/// "auto" (a CUDA device where this build and machine have one, else the CPU), "cpu", "cuda" or
/// "cuda:N". Throws c10::Error where the device is not there, and says how to get one.
torch::Device find_device(std::string_view name);

/// The GPU that "auto" and "cuda" mean from here on, of `index` modulo their number: 0 at first.
void set_default_gpu(int64_t index);

/// Threads for torch's operations; 0 leaves torch's choice (all cores).
void set_threads(int64_t threads);

/// "cpu, 2 threads" or "cuda:0"
std::string describe_device(torch::Device device);

}  // namespace zoo
