// The attention kernels that a test on the CPU can run.
#pragma once
#include <string>
#include <vector>

#include "models/attention/attend.h"

namespace zoo::testing {

/// The names of all kernels but those of a GPU.
inline std::vector<std::string> kernels_on_the_cpu() {
  auto names = attention_kernel_names();
  std::erase_if(names, [](const std::string& name) { return name.starts_with("cuda-"); });
  return names;
}

}  // namespace zoo::testing
