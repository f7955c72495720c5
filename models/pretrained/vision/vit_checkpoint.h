// Checkpoint folders of ViT and DeiT: config.json and model.safetensors, as Python's `transformers`
// writes and reads them.
#pragma once
#include <torch/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "models/pretrained/format/checkpoint_folder.h"
#include "models/pretrained/format/name_map.h"
#include "models/pretrained/vision/vit_config.h"

namespace zoo {

class ModelRegistry;

/// Reads config.json of a checkpoint folder. Throws std::runtime_error with one line that begins
/// with its path.
VitConfig read_vit_config(const std::filesystem::path& folder);

/// Our names and the layout's.
NameMap vit_name_map(const VitOptions& options);

/// The model of a folder with the heads that config.json names, in evaluation mode. An encoder
/// alone may come with a pooler or without. Throws std::runtime_error with one line.
Vit load_vit(const std::filesystem::path& folder, const LoadModelOptions& options = {});

/// Writes config.json and model.safetensors into an existing folder. `labels` name the classes,
/// LABEL_0 and so on where there are none.
void save_vit(const VitImpl& model, const std::filesystem::path& folder,
              std::vector<std::string> labels = {});

/// Adds the family: model types vit, deit, dinov2, zoo_vit.
void register_vit(ModelRegistry& registry);

}  // namespace zoo
