// Names on disk of Marian's, BART's and Pegasus's layouts, and whole checkpoints in and out.
#include "models/pretrained/transformer/transformer_checkpoint.h"

#include <fmt/format.h>

#include <stdexcept>
#include <vector>

#include "base/files.h"
#include "models/pretrained/format/checkpoint_folder.h"
#include "models/pretrained/format/config_json.h"
#include "models/pretrained/format/safetensors.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

/// Rows for a layer with weight and bias; several of theirs lie below each other in ours.
void add_layer(NameMap& map, const std::string& ours, const std::vector<std::string>& theirs) {
  for (const char* kind : {".weight", ".bias"}) {
    NameRow row{.ours = ours + kind, .theirs = theirs};
    for (auto& name : row.theirs) name += kind;
    map.rows.push_back(row);
  }
}

void add_attention(NameMap& map, const std::string& ours, const std::string& theirs) {
  add_layer(map, ours + ".in_proj", {theirs + ".q_proj", theirs + ".k_proj", theirs + ".v_proj"});
  add_layer(map, ours + ".out_proj", {theirs + ".out_proj"});
}

/// `side`: "encoder" or "decoder".
void add_stack(NameMap& map, const std::string& side) {
  const std::string ours = side + ".{}.", theirs = "model." + side + ".layers.{}.";
  add_attention(map, ours + "attention", theirs + "self_attn");
  add_layer(map, ours + "attention_norm", {theirs + "self_attn_layer_norm"});
  if (side == "decoder") {
    add_attention(map, ours + "cross_attention", theirs + "encoder_attn");
    add_layer(map, ours + "cross_norm", {theirs + "encoder_attn_layer_norm"});
  }
  add_layer(map, ours + "feed_forward.in_proj", {theirs + "fc1"});
  add_layer(map, ours + "feed_forward.out_proj", {theirs + "fc2"});
  add_layer(map, ours + "feed_forward_norm", {theirs + "final_layer_norm"});
}

void add_embeddings(NameMap& map, const TransformerOptions& o) {
  const std::string shared = "model.shared.weight", source = "model.encoder.embed_tokens.weight",
                    target = "model.decoder.embed_tokens.weight";
  const auto add = [&](const char* ours, const std::string& theirs) {
    map.rows.push_back({.ours = ours, .theirs = {theirs}});
  };
  if (o.share_embeddings) {
    add("source_embedding.weight", shared);
    map.copies[source] = map.copies[target] = shared;
  } else {
    add("source_embedding.weight", source);
    add("target_embedding.weight", target);
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
      map.rows.push_back({.ours = ours, .theirs = {theirs}});
    } else if (layout == TransformerLayout::kPegasus) {
      map.computed[theirs] = sinusoidal_table(o.context, o.d_model, o.sinusoids);
    } else {
      map.ignored.push_back(theirs);
    }
  }
}

/// The reference reads the sinusoids that a file holds: rounded ones of a file in half precision
/// count, other positions the zoo does not have.
void read_sinusoids(Transformer& model, const SafetensorsReader& reader) {
  for (const auto& [side, position] :
       {std::pair("encoder", model->source_position), {"decoder", model->target_position}}) {
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

double claimed_parameters(const TransformerOptions& o) {
  const auto product = [](int64_t a, int64_t b) { return double(a) * double(b); };
  const StackOptions encoder = encoder_stack(o), decoder = decoder_stack(o);
  double claimed = product(o.source_vocab_size, o.d_model);
  if (!o.share_embeddings) claimed += product(o.vocab_size, o.d_model);
  if (o.position == PositionKind::kLearned) claimed += 2.0 * product(o.context, o.d_model);
  const double cross =
      least_block_parameters(decoder) - 2.0 * product(o.d_model, o.decoder_feed_forward);
  return claimed + double(o.encoder_layers) * least_block_parameters(encoder) +
         double(o.decoder_layers) * (least_block_parameters(decoder) + cross);
}

void load_weights(Transformer& model, const SafetensorsReader& reader,
                  const TransformerConfig& config, bool head_optional) {
  const bool missing =
      !config.has_head && !model->options.tie_embeddings && !reader.contains("lm_head.weight");
  if (missing && !head_optional) {
    throw std::runtime_error(fmt::format(
        "{}: a checkpoint without an output layer (no tensor \"lm_head.weight\"), which "
        "cannot predict tokens; save it in Python as the class with one",
        reader.path().string()));
  }
  load_named(*model, reader, transformer_name_map(config.layout, model->options, missing));
  read_sinusoids(model, reader);
}

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
    add_layer(map, std::string(side) + "_norm", {theirs + ".layer_norm"});
  }
  add_layer(map, "source_norm", {"model.encoder.layernorm_embedding"});
  add_layer(map, "target_norm", {"model.decoder.layernorm_embedding"});
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

Transformer load_transformer(const fs::path& folder, const LoadTransformerOptions& load) {
  TransformerConfig config = read_transformer_config(folder);
  config.options.attention = settled_kernel(load.attention, config.options.attention, load.device);
  const SafetensorsReader reader(folder);
  check_claim(claimed_parameters(resolved(config.options)), reader);
  // An output layer of other values than the embedding's is one of its own, whatever config.json
  // says of it.
  if (differs_from_original(reader, transformer_name_map(config.layout, config.options),
                            "lm_head.weight"))
    config.options.tie_embeddings = false;
  auto model = build_model<Transformer>(config.options, folder);
  model->to(load.device, load.dtype);
  load_weights(model, reader, config, load.head_optional);
  model->eval();
  return model;
}

void load_transformer_weights(Transformer& model, const fs::path& folder) {
  load_weights(model, SafetensorsReader(folder), read_transformer_config(folder),
               /*head_optional=*/false);
}

void save_transformer(const Transformer& model, const fs::path& folder, const SpecialIds& ids) {
  const TransformerConfig config{
      .options = model->options, .layout = layout_of(model->options), .has_head = true, .ids = ids};
  const auto dtype = model->source_embedding->weight.scalar_type();
  write_file(folder / "config.json",
             transformer_config_to_json(config, config_dtype(dtype)).dump(2) + "\n");
  write_safetensors(folder / "model.safetensors",
                    export_named(*model, transformer_name_map(config.layout, config.options)));
}

}  // namespace zoo
