// The families of models that a program knows, by config.json's "model_type" and "architectures". A
// program links the libraries of those it wants and adds their rows:
//
//   ModelRegistry registry;
//   register_gpt(registry);  // models/pretrained/gpt/gpt_checkpoint.h
//   auto model = registry.of_type(folder).load(folder, {}).module;
#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "models/pretrained/registry/model_family.h"

namespace zoo {

class ModelRegistry {
 public:
  /// Throws std::invalid_argument for a model type or an architecture that the registry has.
  void add(ModelFamily family);

  /// The family of a model type; null where there is none.
  const ModelFamily* find(std::string_view model_type) const;
  /// The family of a folder's model type. Throws std::runtime_error with one line that begins with
  /// config.json's path.
  const ModelFamily& of_type(const std::filesystem::path& folder) const;
  /// The same by its class, "architectures"[0], which decides where config.json names one.
  const ModelFamily& of_architecture(const std::filesystem::path& folder) const;
  /// The family of a module. Throws std::invalid_argument for one that no family has.
  const ModelFamily& of_module(const torch::nn::Module& module) const;

 private:
  std::vector<ModelFamily> families_;
};

/// Runs a checkpoint over the tensors of a file; outputs are float32 on the CPU. Throws
/// std::runtime_error with one line for an architecture that no family has and for inputs that do
/// not fit.
ForwardOutputs forward(const ModelRegistry& registry, const ForwardRequest& request,
                       const SafetensorsReader& inputs);

}  // namespace zoo
