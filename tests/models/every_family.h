// A tiny model of each family that is a stack of blocks, behind one face: what holds for all of
// them is tested on all of them.
#pragma once
#include <torch/nn/module.h>
#include <torch/types.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "models/layers/stack_options.h"
#include "models/positions/position_options.h"

namespace zoo::testing {

/// One change of a family's options.
struct StackChange {
  std::string name;
  std::function<void(StackOptions&)> stack = [](StackOptions&) {};
  /// For families of sequences alone.
  std::function<void(PositionOptions&)> positions = {};
};

struct FamilyModel {
  std::shared_ptr<torch::nn::Module> module;
  /// Output for input n: numbers, lengths and sizes differ with it.
  std::function<torch::Tensor(int64_t n)> answer;
  /// The part of an output that future tokens, padding and other rows must not reach; they are
  /// other ones with `changed`.
  std::function<torch::Tensor(bool changed)> protected_part;
  std::function<void(const std::filesystem::path&)> save;
  /// The model in a folder, in evaluation mode.
  std::function<FamilyModel(const std::filesystem::path&)> load;
};

struct Family {
  std::string name;
  bool has_positions;  ///< PositionOptions
  /// In evaluation mode, with the same first weights each time.
  FamilyModel (*make)(const StackChange& change);
};

/// gpt, bert, transformer, vit, cct
const std::vector<Family>& every_family();

}  // namespace zoo::testing
