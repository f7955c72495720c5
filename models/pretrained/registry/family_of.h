// A row of the registry from a family's Format.
#pragma once
#include "models/pretrained/format/checkpoint.h"
#include "models/pretrained/registry/model_family.h"

namespace zoo {

/// "bert", "roberta", ...: the names of a layout.
template <NamedEnum Layout>
std::vector<std::string> model_types_of() {
  std::vector<std::string> types;
  for (const auto& [layout, name] : EnumNames<Layout>::values) types.emplace_back(name);
  return types;
}

/// The classes of all layouts, by a function that gives those of one.
template <NamedEnum Layout, class Classes>
std::vector<std::string> architectures_of(Classes classes_of) {
  std::vector<std::string> all;
  for (const auto& [layout, name] : EnumNames<Layout>::values) {
    const auto classes = classes_of(layout);
    all.insert(all.end(), classes.begin(), classes.end());
  }
  return all;
}

/// All but what only the family knows: model types, architectures, forward pass, cost. The row may
/// take over what it does in its own way.
template <class Format>
ModelFamily family_of() {
  using Base = torch::nn::Module;
  using Own = typename Format::Module;
  static constexpr auto own = [](const Base& module) -> const Own& {
    return dynamic_cast<const Own&>(module);
  };
  return {.load =
              [](const std::filesystem::path& folder, const LoadModelOptions& options) {
                auto config = read_checkpoint_config<Format>(folder);
                auto model = load_checkpoint<Format>(folder, config, options);
                return LoadedModel{model.ptr(), std::move(config.labels)};
              },
          .owns = [](const Base& module) { return dynamic_cast<const Own*>(&module) != nullptr; },
          .load_weights =
              [](Base& module, const std::filesystem::path& folder) {
                load_checkpoint_weights<Format>(dynamic_cast<Own&>(module), folder);
              },
          .save =
              [](const Base& module, const std::filesystem::path& folder,
                 const SaveModelOptions& options) {
                save_checkpoint<Format>(own(module), folder, options);
              },
          .name_map = [](const Base& module) { return Format::names(own(module).options); },
          .layout_note = [](const Base& module) { return Format::note(own(module).options); }};
}

}  // namespace zoo
