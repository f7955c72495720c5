// Checkpoint folders of encoder-decoders: config.json and model.safetensors, as Python's
// `transformers` writes and reads them.
#pragma once
#include <torch/types.h>

#include <filesystem>

#include "models/pretrained/format/checkpoint_folder.h"
#include "models/pretrained/transformer/transformer_config.h"
#include "models/transformer/transformer.h"

namespace zoo {

class ModelRegistry;

/// Reads config.json of a checkpoint folder. Throws std::runtime_error with one line that begins
/// with its path.
TransformerConfig read_transformer_config(const std::filesystem::path& folder);

/// The model of a folder, in evaluation mode. Throws std::runtime_error with one line.
Transformer load_transformer(const std::filesystem::path& folder,
                             const LoadModelOptions& options = {});

/// Writes config.json and model.safetensors into an existing folder, in the layout that
/// layout_of() names.
void save_transformer(const Transformer& model, const std::filesystem::path& folder,
                      const SpecialIds& ids);

/// Adds the family: model types marian, bart, pegasus, mbart, t5, zoo_transformer.
void register_transformer(ModelRegistry& registry);

}  // namespace zoo
