// Names on disk of Marian's, BART's and Pegasus's layouts, and whole checkpoints in and out.
#include "models/pretrained/transformer/transformer_checkpoint.h"

#include <fmt/format.h>

#include <stdexcept>

#include "models/cost/transformer_cost.h"
#include "models/pretrained/format/checkpoint.h"
#include "models/pretrained/registry/family_of.h"
#include "models/pretrained/registry/model_registry.h"
#include "models/pretrained/transformer/encoder_decoder_cost.h"
#include "models/pretrained/transformer/transformer_forward.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

void add_attention(NameMap& map, const std::string& ours, const std::string& theirs) {
  add_layer(map, {.ours = ours + ".in_proj",
                  .theirs = {theirs + ".q_proj", theirs + ".k_proj", theirs + ".v_proj"}});
  add_layer(map, {.ours = ours + ".out_proj", .theirs = {theirs + ".out_proj"}});
}

/// `side`: "encoder" or "decoder".
void add_stack(NameMap& map, const std::string& side) {
  const std::string ours = side + ".{}.", theirs = "model." + side + ".layers.{}.";
  add_attention(map, ours + "attention", theirs + "self_attn");
  add_layer(map, {.ours = ours + "attention_norm", .theirs = {theirs + "self_attn_layer_norm"}});
  if (side == "decoder") {
    add_attention(map, ours + "cross_attention", theirs + "encoder_attn");
    add_layer(map, {.ours = ours + "cross_norm", .theirs = {theirs + "encoder_attn_layer_norm"}});
  }
  add_layer(map, {.ours = ours + "feed_forward.in_proj", .theirs = {theirs + "fc1"}});
  add_layer(map, {.ours = ours + "feed_forward.out_proj", .theirs = {theirs + "fc2"}});
  add_layer(map, {.ours = ours + "feed_forward_norm", .theirs = {theirs + "final_layer_norm"}});
}

void add_embeddings(NameMap& map, const TransformerOptions& o) {
  const std::string shared = "model.shared.weight", source = "model.encoder.embed_tokens.weight",
                    target = "model.decoder.embed_tokens.weight";
  if (o.share_embeddings) {
    add_parameter(map, "source_embedding.weight", shared);
    map.copies[source] = map.copies[target] = shared;
  } else {
    add_parameter(map, "source_embedding.weight", source);
    add_parameter(map, "target_embedding.weight", target);
    map.ignored.push_back(shared);  // there where nothing is tied, and read by nobody
  }
  if (o.tie_embeddings) map.copies["lm_head.weight"] = o.share_embeddings ? shared : target;
}

/// Learned tables are weights. The sinusoids are not, but Pegasus keeps them on disk, and Marian's
/// older files have them.
void add_positions(NameMap& map, TransformerLayout layout, const TransformerOptions& o) {
  for (const char* side : {"source", "target"}) {
    const std::string ours = std::string(side) + "_position.table.weight";
    const std::string theirs = std::string("model.") +
                               (side == std::string("source") ? "encoder" : "decoder") +
                               ".embed_positions.weight";
    if (o.position == PositionKind::kLearned) {
      add_parameter(map, ours, theirs);
    } else if (layout == TransformerLayout::kPegasus) {
      map.computed[theirs] = sinusoidal_table(o.context, o.d_model, o.sinusoids);
    } else {
      map.ignored.push_back(theirs);
    }
  }
}

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

NameMap transformer_name_map(TransformerLayout layout, const TransformerOptions& options,
                             bool head_optional) {
  if (layout == TransformerLayout::kZoo) return {.family = "zoo_transformer", .rows = {}};
  const TransformerOptions o = resolved(options);
  NameMap map{.family = std::string(name_of(layout)), .prefix = "model.", .rows = {}};
  map.ignored = {"model.encoder.version", "model.decoder.version"};  // of BART's first files
  map.other_heads = {"classification_head.", "qa_outputs."};
  add_embeddings(map, o);
  add_positions(map, layout, o);
  for (const char* side : {"encoder", "decoder"}) {
    add_stack(map, side);
    const std::string theirs = std::string("model.") + side;
    add_layer(map, {.ours = std::string(side) + "_norm", .theirs = {theirs + ".layer_norm"}});
  }
  add_layer(map, {.ours = "source_norm", .theirs = {"model.encoder.layernorm_embedding"}});
  add_layer(map, {.ours = "target_norm", .theirs = {"model.decoder.layernorm_embedding"}});
  if (!o.tie_embeddings) {
    map.rows.push_back(
        {.ours = "lm_head.weight", .theirs = {"lm_head.weight"}, .optional = head_optional});
  }
  if (o.output_bias) {
    map.rows.push_back({.ours = "output_bias", .theirs = {"final_logits_bias"}, .optional = true});
  } else {
    map.zeros["final_logits_bias"] = {1, o.vocab_size};
  }
  return map;
}

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
