// The parameters of a module: how many, and their names and shapes, which are a file format.
#pragma once
#include <torch/nn/module.h>

#include <cstdint>
#include <string>
#include <vector>

namespace zoo::testing {

inline int64_t parameter_count(const torch::nn::Module& module) {
  int64_t count = 0;
  for (const auto& parameter : module.parameters()) count += parameter.numel();
  return count;
}

/// "blocks.0.attention.qkv.weight 24 8", a line a parameter, in the module's order.
inline std::vector<std::string> parameter_lines(const torch::nn::Module& module) {
  std::vector<std::string> lines;
  for (const auto& parameter : module.named_parameters()) {
    std::string line = parameter.key();
    for (const int64_t size : parameter.value().sizes()) line += " " + std::to_string(size);
    lines.push_back(line);
  }
  return lines;
}

}  // namespace zoo::testing
