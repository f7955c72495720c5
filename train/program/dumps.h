// Writes gradients and batches to disk, so that other programs can make the same steps.
#pragma once
#include <torch/nn/module.h>

#include <filesystem>
#include <functional>

#include "models/pretrained/format/name_map.h"
#include "train/loop/trainer.h"

namespace zoo {

/// Writes each parameter's gradient, divided by the function's second argument, to a safetensors
/// file, under the parameter names of `names`.
std::function<void(torch::nn::Module&, double)> dump_gradients(NameMap names,
                                                               const std::filesystem::path& file);

/// Writes the n-th micro-batch that it is called with to batch-NNNNNN.safetensors. Makes the
/// folder; throws std::runtime_error if it is not empty.
std::function<void(const NamedTensors&)> dump_batches(const std::filesystem::path& folder);

}  // namespace zoo
