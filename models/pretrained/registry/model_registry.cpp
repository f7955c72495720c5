// Finds the family of a config.json or of a module.
#include "models/pretrained/registry/model_registry.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "base/files.h"
#include "models/pretrained/format/config_json.h"

namespace zoo {
namespace {

bool has(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

/// A string of config.json, or the first of a list; empty where there is none.
std::string text_of(const nlohmann::json& config, const std::string& key) {
  if (!config.is_object() || !config.contains(key)) return "";
  const auto& value = config[key].is_array() && !config[key].empty() ? config[key][0] : config[key];
  return value.is_string() ? value.get<std::string>() : "";
}

}  // namespace

void ModelRegistry::add(ModelFamily family) {
  for (const auto& known : families_) {
    for (const auto* names : {&family.model_types, &family.architectures}) {
      for (const auto& name : *names) {
        if (has(known.model_types, name) || has(known.architectures, name))
          throw std::invalid_argument(fmt::format("ModelRegistry: {} is there already", name));
      }
    }
  }
  families_.push_back(std::move(family));
}

const ModelFamily* ModelRegistry::find(std::string_view model_type) const {
  for (const auto& family : families_)
    if (has(family.model_types, model_type)) return &family;
  return nullptr;
}

const ModelFamily& ModelRegistry::of_type(const std::filesystem::path& folder) const {
  const ModelFamily* family = nullptr;
  read_config(folder, [&](const nlohmann::json& config) {
    const auto type = config.find("model_type");
    if (type == config.end()) config_fail("no \"model_type\": not a checkpoint's config.json");
    const auto name = json_value<std::string>(*type, "model_type");
    family = find(name);
    if (family != nullptr) return;
    std::vector<std::string> known;
    for (const auto& row : families_)
      known.insert(known.end(), row.model_types.begin(), row.model_types.end());
    config_fail("a checkpoint of another family (model_type \"{}\"); this program reads {}",
                name.substr(0, 60), fmt::join(known, ", "));
  });
  return *family;
}

const ModelFamily& ModelRegistry::of_architecture(const std::filesystem::path& folder) const {
  const auto path = folder / "config.json";
  const auto config =
      nlohmann::json::parse(read_file(path, kSmallFile), nullptr, /*allow_exceptions=*/false);
  if (config.is_discarded()) throw std::runtime_error(path.string() + ": not JSON");
  const std::string architecture = text_of(config, "architectures");
  const std::string model_type = text_of(config, "model_type");
  std::vector<std::string> known;
  for (const auto& family : families_) {
    if (architecture.empty() ? has(family.model_types, model_type)
                             : has(family.architectures, architecture))
      return family;
    known.insert(known.end(), family.architectures.begin(), family.architectures.end());
  }
  throw std::runtime_error(fmt::format(
      "{}: architecture {} (model_type {}) is not supported; known are {}", path.string(),
      in_quotes(architecture), in_quotes(model_type), fmt::join(known, ", ")));
}

const ModelFamily& ModelRegistry::of_module(const torch::nn::Module& module) const {
  for (const auto& family : families_)
    if (family.owns(module)) return family;
  throw std::invalid_argument("ModelRegistry: no family has this kind of module: " + module.name());
}

ForwardOutputs forward(const ModelRegistry& registry, const ForwardRequest& request,
                       const SafetensorsReader& inputs) {
  const ModelFamily& family = registry.of_architecture(request.model);
  if (!family.takes_lengths && request.lengths != LengthOptions{})
    throw std::runtime_error(fmt::format(
        "{}: only decoder-only models take options for longer texts (--context, --rotary-scaling, "
        "--window, --sinks, --memory, --self-extend and theirs); leave them out",
        request.model.string()));
  ForwardOutputs outputs = family.forward(request, inputs);
  for (auto& [name, tensor] : outputs) tensor = tensor.to(torch::kCPU, torch::kFloat).contiguous();
  return outputs;
}

}  // namespace zoo
