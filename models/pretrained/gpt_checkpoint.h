// Checkpoint folders of decoder-only models: config.json and model.safetensors, as Python's
// `transformers` writes and reads them.
#pragma once
#include <torch/types.h>

#include <filesystem>
#include <optional>
#include <string>

#include "models/gpt.h"
#include "models/pretrained/gpt_config.h"
#include "models/pretrained/name_map.h"

namespace zoo {

/// Our names and the layout's. `head_optional`: a file without output layer is welcome (GPT2Model,
/// LlamaModel).
NameMap gpt_name_map(GptLayout layout, const GptOptions& options, bool head_optional = false);

/// The model of a folder, in evaluation mode, in float32 unless another dtype is asked for, with
/// the attention kernel that is named, else the one it was trained with. Throws std::runtime_error
/// with one line.
Gpt load_gpt(const std::filesystem::path& folder, std::optional<torch::Dtype> dtype = {},
             torch::Device device = torch::kCPU, const std::string& attention = {});

/// Only the weights, into a model that stands: shapes must fit, other options are the caller's.
void load_gpt_weights(Gpt& model, const std::filesystem::path& folder);

/// Writes config.json and model.safetensors into an existing folder, in the layout that
/// layout_of() names.
void save_gpt(const Gpt& model, const std::filesystem::path& folder, const SpecialIds& ids = {});

}  // namespace zoo
