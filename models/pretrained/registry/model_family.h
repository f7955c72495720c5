// What the zoo can do with the checkpoints of one family: a row of the registry.
#pragma once
#include <torch/nn/module.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/cost/cost.h"
#include "models/pretrained/format/checkpoint_folder.h"
#include "models/pretrained/registry/forward_pass.h"

namespace zoo {

struct LoadedModel {
  std::shared_ptr<torch::nn::Module> module;  ///< in evaluation mode
  std::vector<std::string> labels;            ///< of a classifier, by class
};

/// What one forward pass of a checkpoint costs.
struct CheckpointCost {
  std::string input = {};  ///< what the pass reads: "a picture of 28 x 28 pixels"
  ModelCost cost = {};
  int64_t tokens =
      0;  ///< of a decoder, whose operations are given per token: length of the sequence; else 0
  /// Parameters that the file holds, where the model was not opened to see whether its tensors fit:
  /// copies of tied weights and the like are not counted. If they are not as many as those of
  /// `cost`, config.json describes another model.
  std::optional<int64_t> held_parameters = {};
};

/// All functions throw std::runtime_error with one line for a folder that is not as it should be.
struct ModelFamily {
  std::vector<std::string> model_types = {};  ///< config.json's "model_type"
  std::vector<std::string> architectures =
      {};  ///< "architectures"[0]: the reference's classes and ours
  LoadedModel (*load)(const std::filesystem::path& folder,
                      const LoadModelOptions& options) = nullptr;
  /// Whether a module is one of this family's; the next four take no other.
  bool (*owns)(const torch::nn::Module& module) = nullptr;
  void (*load_weights)(torch::nn::Module& module, const std::filesystem::path& folder) = nullptr;
  void (*save)(const torch::nn::Module& module, const std::filesystem::path& folder,
               const SaveModelOptions& options) = nullptr;
  /// The names of its parameters on disk.
  NameMap (*name_map)(const torch::nn::Module& module) = nullptr;
  /// Why Python will not open what save() writes; empty where it will.
  std::string (*layout_note)(const torch::nn::Module& module) = nullptr;
  ForwardOutputs (*forward)(const ForwardRequest& request,
                            const SafetensorsReader& inputs) = nullptr;
  bool takes_lengths = false;  ///< forward() heeds ForwardRequest::lengths
  /// length: tokens of a sequence (0: the model's context). Throws where the tensors do not fit
  /// config.json.
  CheckpointCost (*cost)(const std::filesystem::path& folder, int64_t length) = nullptr;
};

}  // namespace zoo
