// Whole checkpoints of encoder-decoders in and out.
#include "models/pretrained/transformer/transformer_checkpoint.h"

#include <fmt/format.h>

#include <stdexcept>

#include "models/cost/transformer_cost.h"
#include "models/pretrained/format/checkpoint.h"
#include "models/pretrained/registry/family_of.h"
#include "models/pretrained/registry/model_registry.h"
#include "models/pretrained/transformer/encoder_decoder_cost.h"
#include "models/pretrained/transformer/transformer_forward.h"
#include "models/pretrained/transformer/transformer_names.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

/// The reference reads the sinusoids that a file holds: rounded ones of a file in half precision
/// count, other positions the zoo does not have.
void read_sinusoids(TransformerImpl& model, const SafetensorsReader& reader) {
  for (const auto& [side, position] :
       {std::pair("encoder", model.source_position), {"decoder", model.target_position}}) {
    auto* const sinusoids = dynamic_cast<SinusoidalPosition*>(position.get());
    if (sinusoids == nullptr) continue;
    for (const char* prefix : {"model.", ""}) {
      const auto name = fmt::format("{}{}.embed_positions.weight", prefix, side);
      if (!reader.contains(name)) continue;
      const auto table = reader.tensor(name).to(sinusoids->table.options());  // [P, C]
      if (!table.sizes().equals(sinusoids->table.sizes()) ||
          !torch::allclose(table, sinusoids->table, /*rtol=*/0, /*atol=*/0.01)) {
        throw std::runtime_error(fmt::format(
            "{}: tensor {} holds positions of its own, but the zoo's model has {} x {} sinusoids",
            reader.path().string(), in_quotes(name), sinusoids->table.size(0),
            sinusoids->table.size(1)));
      }
      sinusoids->table = table;
    }
  }
}

struct TransformerFormat : LanguageModelFormat<TransformerFormat, Transformer, TransformerConfig> {
  static TransformerConfig from_json(const nlohmann::json& config) {
    return transformer_config_from_json(config);
  }
  static nlohmann::json to_json(const TransformerConfig& config, const std::string& dtype) {
    return transformer_config_to_json(config, dtype);
  }
  static NameMap name_map(TransformerLayout layout, const TransformerOptions& options,
                          bool head_optional) {
    return transformer_name_map(layout, options, head_optional);
  }
  static ModelCost cost(const TransformerOptions& o) { return cost_of(o, o.context); }
  static void finish(TransformerImpl& model, const SafetensorsReader& reader) {
    read_sinusoids(model, reader);
  }
};

}  // namespace

TransformerConfig read_transformer_config(const fs::path& folder) {
  return read_checkpoint_config<TransformerFormat>(folder);
}

Transformer load_transformer(const fs::path& folder, const LoadModelOptions& options) {
  return load_checkpoint<TransformerFormat>(folder, options);
}

void save_transformer(const Transformer& model, const fs::path& folder, const SpecialIds& ids) {
  save_checkpoint<TransformerFormat>(*model, folder, {.ids = ids});
}

void register_transformer(ModelRegistry& registry) {
  ModelFamily family = family_of<TransformerFormat>();
  family.model_types = model_types_of<TransformerLayout>();
  family.architectures = architectures_of<TransformerLayout>(transformer_architectures);
  family.forward = forward_transformer;
  family.cost = [](const fs::path& folder, int64_t length) {
    const auto options = load_transformer(folder, {.head_optional = true})->options;
    return encoder_decoder_cost(options, length);
  };
  registry.add(std::move(family));
}

}  // namespace zoo
