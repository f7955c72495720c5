// Checkpoint folders of CLIP: config.json and model.safetensors, as Python's `transformers` writes
// and reads them.
#pragma once
#include <torch/types.h>

#include <filesystem>
#include <string>

#include "models/pretrained/clip/clip_config.h"
#include "models/pretrained/format/name_map.h"

namespace zoo {

struct LoadClipOptions {
  torch::Dtype dtype = torch::kFloat;
  torch::Device device = torch::kCPU;
  std::string attention = {};  ///< kernel; empty: the one it was trained with
};

/// Our names and the layout's.
NameMap clip_name_map(const ClipOptions& options);

/// The model of a folder, in evaluation mode. Throws std::runtime_error with one line.
Clip load_clip(const std::filesystem::path& folder, const LoadClipOptions& options = {});
/// Only the weights, into a model that stands.
void load_clip_weights(ClipImpl& model, const std::filesystem::path& folder);

/// Writes config.json and model.safetensors into an existing folder, in the layout that layout_of()
/// names.
void save_clip(const ClipImpl& model, const std::filesystem::path& folder,
               const SpecialIds& ids = {});

}  // namespace zoo
