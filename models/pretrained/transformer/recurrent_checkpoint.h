// Checkpoint folders of the recurrent baseline. No Python library has this model: the layout is
// ours, model_type zoo_recurrent.
#pragma once
#include <torch/types.h>

#include <filesystem>

#include "base/named_enum.h"
#include "models/pretrained/format/checkpoint_config.h"
#include "models/pretrained/format/checkpoint_folder.h"
#include "models/pretrained/format/name_map.h"
#include "models/transformer/recurrent.h"

namespace zoo {

class ModelRegistry;

/// config.json's model_type.
enum class RecurrentLayout { kZoo };
template <>
struct EnumNames<RecurrentLayout> {
  static constexpr std::string_view what = "recurrent layout";
  static constexpr std::pair<RecurrentLayout, std::string_view> values[] = {
      {RecurrentLayout::kZoo, "zoo_recurrent"}};
};

using RecurrentConfig = CheckpointConfig<RecurrentOptions, RecurrentLayout>;

/// Reads config.json. Throws std::runtime_error with one line that begins with its path.
RecurrentConfig read_recurrent_config(const std::filesystem::path& folder);

/// The names on disk are ours.
NameMap recurrent_name_map();

/// The model of a folder, in evaluation mode. Throws std::runtime_error with one line.
Recurrent load_recurrent(const std::filesystem::path& folder, const LoadModelOptions& options = {});
/// Writes config.json and model.safetensors into an existing folder.
void save_recurrent(const Recurrent& model, const std::filesystem::path& folder,
                    const SpecialIds& ids);

/// Adds the family: model type zoo_recurrent.
void register_recurrent(ModelRegistry& registry);

}  // namespace zoo
