// Checkpoint folders of decoder-only models: config.json and model.safetensors, as Python's
// `transformers` writes and reads them.
#pragma once
#include <torch/types.h>

#include <filesystem>

#include "models/gpt/gpt.h"
#include "models/gpt/length_options.h"
#include "models/pretrained/format/checkpoint_folder.h"
#include "models/pretrained/format/name_map.h"
#include "models/pretrained/gpt/gpt_config.h"

namespace zoo {

class ModelRegistry;

/// Our names and the layout's. `head_optional`: a file without output layer is welcome, as of
/// GPT2Model.
NameMap gpt_name_map(GptLayout layout, const GptOptions& options, bool head_optional = false);

/// Reads config.json of a checkpoint folder. Throws std::runtime_error with one line that begins
/// with its path.
GptConfig read_gpt_config(const std::filesystem::path& folder);

/// The model of a folder, in evaluation mode. Throws std::runtime_error with one line, and as
/// with_lengths().
Gpt load_gpt(const std::filesystem::path& folder, const LoadModelOptions& options = {},
             const LengthOptions& lengths = {});

/// Only the weights, output layer included, into a model that stands: shapes must fit, other
/// options are the caller's.
void load_gpt_weights(Gpt& model, const std::filesystem::path& folder);

/// Writes config.json and model.safetensors into an existing folder, in the layout that
/// layout_of() names.
void save_gpt(const Gpt& model, const std::filesystem::path& folder, const SpecialIds& ids = {});

/// Adds the family: the model types of GptLayout.
void register_gpt(ModelRegistry& registry);

}  // namespace zoo
