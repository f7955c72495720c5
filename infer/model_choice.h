// Which checkpoint a program opens, and where it computes: the options that they all have.
#pragma once
#include <torch/types.h>
#include <CLI/CLI.hpp>

#include <cstdint>
#include <filesystem>
#include <string>

namespace zoo {

struct ModelChoice {
  std::filesystem::path folder = {};  ///< a run's or a checkpoint's
  std::string device = "auto";
  int64_t threads = 0;         ///< 0: all cores
  std::string attention = {};  ///< kernel; empty: the one that the checkpoint names
};

/// Adds --model (required), --device, --threads and --attention.
void add_model_options(CLI::App& app, ModelChoice& choice);

/// Before the model is loaded: sets torch's threads and finds the device. Throws UsageError for an
/// unknown kernel, and one line for a device that is not there and for no such folder.
torch::Device prepare(const ModelChoice& choice);

}  // namespace zoo
