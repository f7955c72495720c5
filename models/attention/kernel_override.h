// Another attention kernel for a while: some things, such as the weights, not every kernel gives
// out.
#pragma once
#include <torch/nn/module.h>

#include <string>
#include <utility>
#include <vector>

#include "models/attention/multi_head_attention.h"

namespace zoo {

/// While it lives, every attention layer of the model runs with this kernel; then with its own
/// again. The model outlives it, and must not be used by other threads meanwhile.
class KernelOverride {
 public:
  KernelOverride(torch::nn::Module& model, const std::string& kernel);
  ~KernelOverride();
  KernelOverride(const KernelOverride&) = delete;
  KernelOverride& operator=(const KernelOverride&) = delete;

 private:
  std::vector<std::pair<MultiHeadAttentionImpl*, std::string>> own_;  // each layer's own kernel
};

}  // namespace zoo
