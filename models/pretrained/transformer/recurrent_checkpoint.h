// Checkpoint folders of the recurrent baseline. No Python library has this model: the layout is
// ours, model_type zoo_recurrent.
#pragma once
#include <torch/types.h>

#include <filesystem>

#include "models/pretrained/format/name_map.h"
#include "models/pretrained/format/special_ids.h"
#include "models/transformer/recurrent.h"

namespace zoo {

struct RecurrentConfig {
  RecurrentOptions options;
  SpecialIds ids;
};

/// Reads config.json. Throws std::runtime_error with one line that begins with its path.
RecurrentConfig read_recurrent_config(const std::filesystem::path& folder);

/// The names on disk are ours.
NameMap recurrent_name_map();

/// The model of a folder, in evaluation mode. Throws std::runtime_error with one line.
Recurrent load_recurrent(const std::filesystem::path& folder, torch::Device device = torch::kCPU);
/// Only the weights, into a model that stands.
void load_recurrent_weights(Recurrent& model, const std::filesystem::path& folder);
/// Writes config.json and model.safetensors into an existing folder.
void save_recurrent(const Recurrent& model, const std::filesystem::path& folder,
                    const SpecialIds& ids);

}  // namespace zoo
