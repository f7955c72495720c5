// Checkpoint folders of decoder-only models: config.json and model.safetensors, as Python's
// `transformers` writes and reads them.
#pragma once
#include <torch/types.h>

#include <filesystem>
#include <string>

#include "models/gpt/gpt.h"
#include "models/pretrained/format/name_map.h"
#include "models/pretrained/gpt/gpt_config.h"

namespace zoo {

/// Our names and the layout's. `head_optional`: a file without output layer is welcome (GPT2Model,
/// LlamaModel).
NameMap gpt_name_map(GptLayout layout, const GptOptions& options, bool head_optional = false);

struct LoadGptOptions {
  torch::Dtype dtype = torch::kFloat;
  torch::Device device = torch::kCPU;
  std::string attention = {};  ///< kernel; empty: the one it was trained with
  /// For those who need the hidden states alone: a GPT2Model or LlamaModel without output layer
  /// will do, and lm_head then means nothing.
  bool head_optional = false;
};

/// The model of a folder, in evaluation mode. Throws std::runtime_error with one line.
Gpt load_gpt(const std::filesystem::path& folder, const LoadGptOptions& options = {});

/// Only the weights, output layer included, into a model that stands: shapes must fit, other
/// options are the caller's.
void load_gpt_weights(Gpt& model, const std::filesystem::path& folder);

/// Writes config.json and model.safetensors into an existing folder, in the layout that
/// layout_of() names.
void save_gpt(const Gpt& model, const std::filesystem::path& folder, const SpecialIds& ids = {});

}  // namespace zoo
