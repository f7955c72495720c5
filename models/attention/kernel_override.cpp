#include "models/attention/kernel_override.h"

namespace zoo {

KernelOverride::KernelOverride(torch::nn::Module& model, const std::string& kernel) {
  attention_kernel(kernel);  // an unknown name is an error before anything has changed
  for (const auto& module : model.modules()) {
    if (auto* const layer = module->as<MultiHeadAttentionImpl>())
      own_.emplace_back(layer, std::exchange(layer->options.kernel, kernel));
  }
}

KernelOverride::~KernelOverride() {
  for (auto& [layer, kernel] : own_) layer->options.kernel = std::move(kernel);
}

}  // namespace zoo
