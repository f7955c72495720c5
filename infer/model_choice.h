// The checkpoint that a program opens, and the device: the options that all these programs share.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <string>

namespace CLI {
class App;
}

namespace zoo {

struct ModelChoice {
  std::filesystem::path folder = {};  ///< a run's or a checkpoint's
  std::string device = "auto";
  int64_t threads = 0;         ///< 0: all cores
  std::string attention = {};  ///< kernel; empty: the one that the checkpoint names
};

/// Adds --model (required), --device, --threads and --attention.
void add_model_options(CLI::App& app, ModelChoice& choice);

/// Call it before loading the model: sets torch's threads and finds the device. Throws UsageError
/// for an unknown kernel, and a one-line error for a missing device or folder.
torch::Device prepare(const ModelChoice& choice);

}  // namespace zoo
