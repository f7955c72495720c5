// Whole checkpoints of decoder-only models in and out.
#include "models/pretrained/gpt/gpt_checkpoint.h"

#include <fmt/format.h>

#include "models/cost/gpt_cost.h"
#include "models/pretrained/format/checkpoint.h"
#include "models/pretrained/gpt/gpt_forward.h"
#include "models/pretrained/gpt/gpt_layout.h"
#include "models/pretrained/registry/family_of.h"
#include "models/pretrained/registry/model_registry.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

std::string output_matrix(GptLayout layout) {
  return layout == GptLayout::kZoo ? "lm_head.weight" : gpt_layout(layout).output + ".weight";
}

struct GptFormat : LanguageModelFormat<GptFormat, Gpt, GptConfig> {
  static GptConfig from_json(const nlohmann::json& config) { return gpt_config_from_json(config); }
  static nlohmann::json to_json(const GptConfig& config, const std::string& dtype) {
    return gpt_config_to_json(config, dtype);
  }
  static NameMap name_map(GptLayout layout, const GptOptions& options, bool head_optional) {
    return gpt_name_map(layout, options, head_optional);
  }
  static NameMap names_in(const GptOptions& options, const GptConfig& config,
                          const SafetensorsReader& reader, bool head_optional) {
    // A bias is the output layer's own, tied or not.
    const bool whole = options.tie_embeddings && !options.output_bias;
    return gpt_name_map(config.layout, options,
                        lacks_output_layer(config.has_head, whole, reader, head_optional,
                                           output_matrix(config.layout)));
  }
  static void settle(GptOptions& options, const GptConfig& config,
                     const SafetensorsReader& reader) {
    const NameMap names = gpt_name_map(config.layout, options);
    if (differs_from_original(reader, names, output_matrix(config.layout)))
      options.tie_embeddings = false;
  }
  static ModelCost cost(const GptOptions& o) { return cost_of(o, o.context); }
};

/// The numbers in the file that are parameters, not copies or what the layout demands besides.
int64_t parameters_in(const SafetensorsReader& reader, const GptConfig& config) {
  // A map lists the layers that config.json promises: not a million of them for a small file.
  const bool fits = config.options.layers <= std::ssize(reader.names());
  const NameMap map =
      fits ? gpt_name_map(config.layout, config.options) : NameMap{.family = {}, .rows = {}};
  int64_t sum = 0;
  for (const auto& name : reader.names()) {
    const auto& entry = reader.entry(name);
    if (c10::isFloatingType(entry.dtype) && holds_parameter(map, name))
      sum += static_cast<int64_t>(entry.bytes() / c10::elementSize(entry.dtype));
  }
  return sum;
}

/// The tensors are what is there; config.json only tells what is done with them, and is believed
/// where it describes as many numbers.
CheckpointCost checkpoint_cost(const fs::path& folder, int64_t length) {
  const GptConfig config = read_gpt_config(folder);
  const SafetensorsReader reader(folder);
  const int64_t T = length > 0 ? length : config.options.context;
  CheckpointCost result{.input = fmt::format("sequences of {} tokens", T),
                        .cost = cost_of(config.options, T),
                        .tokens = T,
                        .held_parameters = parameters_in(reader, config)};
  ModelCost& cost = result.cost;
  if (!config.has_head) cost.forward_flops -= cost.output_flops;
  if (!config.has_head && !reader.contains(output_matrix(config.layout)))
    cost.parameters -= cost.output_parameters;
  return result;
}

}  // namespace

NameMap gpt_name_map(GptLayout layout, const GptOptions& options, bool head_optional) {
  if (layout == GptLayout::kZoo) return {.family = "zoo_gpt", .rows = {}};
  const GptOptions o = resolved(options);
  const GptLayoutRow& row = gpt_layout(layout);
  NameMap map = row.names(o);
  map.family = row.title;
  const std::string matrix = output_matrix(layout);
  if (o.tie_embeddings) {
    map.copies[matrix] = map.rows.front().theirs.front();
  } else {
    map.rows.push_back({.ours = "lm_head.weight", .theirs = {matrix}, .optional = head_optional});
  }
  map.rows.push_back(
      {.ours = "output_bias", .theirs = {row.output + ".bias"}, .optional = head_optional});
  return map;
}

GptConfig read_gpt_config(const fs::path& folder) {
  return read_checkpoint_config<GptFormat>(folder);
}

Gpt load_gpt(const fs::path& folder, const LoadModelOptions& options,
             const LengthOptions& lengths) {
  GptConfig config = read_gpt_config(folder);
  config.options = with_lengths(config.options, lengths);
  return load_checkpoint<GptFormat>(folder, config, options);
}

void load_gpt_weights(Gpt& model, const fs::path& folder) {
  load_checkpoint_weights<GptFormat>(*model, folder);
}

void save_gpt(const Gpt& model, const fs::path& folder, const SpecialIds& ids) {
  save_checkpoint<GptFormat>(*model, folder, {.ids = ids});
}

void register_gpt(ModelRegistry& registry) {
  ModelFamily family = family_of<GptFormat>();
  family.model_types = model_types_of<GptLayout>();
  family.architectures = architectures_of<GptLayout>(gpt_architectures);
  family.forward = forward_gpt;
  family.cost = checkpoint_cost;
  family.takes_lengths = true;
  registry.add(std::move(family));
}

}  // namespace zoo
