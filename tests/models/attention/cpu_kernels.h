// The attention kernels that a test on the CPU can run.
#pragma once
#include <torch/utils.h>

#include <string>
#include <vector>

#include "models/attention/attend.h"

namespace zoo::testing {

/// The names of all kernels that take tensors of the CPU.
inline std::vector<std::string> kernels_on_the_cpu() {
  const torch::NoGradGuard no_grad;
  const auto q = torch::zeros({1, 1, 1, 1});
  auto names = attention_kernel_names();
  std::erase_if(names, [&](const std::string& name) {
    return !attention_kernel(name).refuses(q, q, q, {}).empty();
  });
  return names;
}

}  // namespace zoo::testing
