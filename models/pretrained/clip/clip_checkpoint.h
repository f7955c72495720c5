// Checkpoint folders of CLIP: config.json and model.safetensors, as Python's `transformers` writes
// and reads them.
#pragma once
#include <torch/types.h>

#include <filesystem>

#include "models/pretrained/clip/clip_config.h"
#include "models/pretrained/format/checkpoint_folder.h"
#include "models/pretrained/format/name_map.h"

namespace zoo {

class ModelRegistry;

/// Reads config.json of a checkpoint folder. Throws std::runtime_error with one line that begins
/// with its path.
ClipConfig read_clip_config(const std::filesystem::path& folder);

/// Our names and the layout's.
NameMap clip_name_map(const ClipOptions& options);

/// The model of a folder, in evaluation mode. Throws std::runtime_error with one line.
Clip load_clip(const std::filesystem::path& folder, const LoadModelOptions& options = {});
/// Only the weights, into a model that stands.
void load_clip_weights(ClipImpl& model, const std::filesystem::path& folder);

/// Writes config.json and model.safetensors into an existing folder, in the layout that layout_of()
/// names.
void save_clip(const ClipImpl& model, const std::filesystem::path& folder,
               const SpecialIds& ids = {});

/// Adds the family: model types clip, clip_text_model, clip_vision_model, zoo_clip.
void register_clip(ModelRegistry& registry);

}  // namespace zoo
