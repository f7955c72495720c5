// From config.json to a model that fits it, with the folder's name in every complaint.
#pragma once
#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "models/pretrained/format/name_map.h"
#include "models/pretrained/format/safetensors.h"
#include "models/pretrained/format/special_ids.h"

namespace zoo {

/// How a checkpoint is opened.
struct LoadModelOptions {
  torch::Dtype dtype = torch::kFloat;
  torch::Device device = torch::kCPU;
  std::string attention = {};  ///< kernel; empty: the one it was trained with
  /// For those who need the hidden states alone: a class of the reference without output layer will
  /// do, and the model's own output layer then means nothing.
  bool head_optional = false;
};

/// What a folder says besides the model: ids with a job, and names of a classifier's classes
/// (LABEL_0 and so on where there are fewer names than classes).
struct SaveModelOptions {
  SpecialIds ids = {};
  std::vector<std::string> labels = {};
};

/// What `make` gives. Options that contradict each other are the file's fault here, and the message
/// names it.
template <class Make>
auto from_config(const std::filesystem::path& folder, const Make& make) {
  try {
    return make();
  } catch (const c10::Error& error) {
    throw std::runtime_error(
        fmt::format("{}: {}", (folder / "config.json").string(), error.what_without_backtrace()));
  } catch (const std::invalid_argument& error) {
    throw std::runtime_error(
        fmt::format("{}: {}", (folder / "config.json").string(), error.what()));
  }
}

template <class Model, class Options>
Model build_model(const Options& options, const std::filesystem::path& folder) {
  return from_config(folder, [&] { return Model(options); });
}

/// The attention kernel to load a model with: the one asked for, else the one it was trained with;
/// "auto" where that is a GPU's and this build has none, or it cannot run on the device.
std::string settled_kernel(const std::string& asked, const std::string& trained_with,
                           torch::Device device);

/// Whether a file lacks the output layer of a model, because its class has none. `name`: its
/// matrix. Throws std::runtime_error where it may not be missing.
bool lacks_output_layer(bool class_has_head, bool tied, const SafetensorsReader& reader,
                        bool head_optional, const std::string& name = "lm_head.weight");

/// Writes config.json and model.safetensors into an existing folder.
void write_checkpoint(const std::filesystem::path& folder, const nlohmann::json& config,
                      const torch::nn::Module& module, const NameMap& names);

/// Throws std::runtime_error for a config.json that promises far more than the file holds: building
/// such a model would first allocate it all. `parameters`: a lower bound of what it describes.
void check_claim(double parameters, const SafetensorsReader& reader);

}  // namespace zoo
