// From config.json to a model that fits it, with the folder's name in every complaint.
#pragma once
#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <filesystem>
#include <stdexcept>
#include <string>

#include "models/pretrained/format/safetensors.h"

namespace zoo {

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

/// Throws std::runtime_error for a config.json that promises far more than the file holds: building
/// such a model would first allocate it all. `parameters`: a lower bound of what it describes.
void check_claim(double parameters, const SafetensorsReader& reader);

}  // namespace zoo
