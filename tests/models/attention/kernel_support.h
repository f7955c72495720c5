// What each kernel that runs on the CPU supports. All other options of attend() every kernel must
// support.
#pragma once
#include <torch/utils.h>

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "models/attention/attend.h"

namespace zoo::testing {

struct KernelSupport {
  bool training = false;            ///< gradients of q, k and v
  bool relative_gradients = false;  ///< gradients of relative_bias
  bool bias_gradients = false;      ///< gradients of bias
  bool float64 = false;
  bool weights = false;  ///< writes *AttendArgs::weights
};

/// Throws for a kernel that is not in the table: a new kernel gets its row here.
inline KernelSupport support_of(const std::string& kernel) {
  static const std::map<std::string, KernelSupport> table{
      // training, gradients of relative_bias and of bias, float64, weights
      {"loops", {false, false, false, true, true}}, {"matmul", {true, true, true, true, true}},
      {"blocked", {true, true, false, true, true}}, {"online", {true, true, false, true, false}},
      {"flash", {true, true, false, false, false}}, {"decode", {false, false, false, false, false}},
      {"torch", {true, true, true, true, false}},   {"auto", {true, true, true, true, false}},
  };
  const auto row = table.find(kernel);
  if (row == table.end()) throw std::out_of_range("kernel_support.h has no row for " + kernel);
  return row->second;
}

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
