// Names on disk of GPT-2's and Llama's layouts, and whole checkpoints in and out.
#include "models/pretrained/gpt/gpt_checkpoint.h"

#include <fmt/format.h>

#include "models/cost/gpt_cost.h"
#include "models/layers/pruned_heads.h"
#include "models/pretrained/format/checkpoint.h"
#include "models/pretrained/gpt/gpt_forward.h"
#include "models/pretrained/registry/family_of.h"
#include "models/pretrained/registry/model_registry.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

/// Of queries, keys and values together.
int64_t rows_of(const BlockOptions& block) {
  const auto& o = block.attention;
  return (o.heads + 2 * o.kv_heads) * o.head_width;
}

// GPT-2 keeps its matrices as [in, out] (a "Conv1D"), hence transposed; queries, keys and values
// are one matrix there as here.
NameMap gpt2_names(const GptOptions& o) {
  NameMap map{.family = "GPT-2", .prefix = "transformer.", .rows = {}};
  const std::string layer = "transformer.h.{}.";
  const auto add = [&](const std::string& ours, const std::string& theirs, bool transposed) {
    add_layer(map, {.ours = ours, .theirs = {theirs}, .transposed = transposed});
  };
  add_parameter(map, "token_embedding.weight", "transformer.wte.weight");
  add_parameter(map, "position.table.weight", "transformer.wpe.weight");
  add("blocks.{}.attention_norm", layer + "ln_1", false);
  add("blocks.{}.attention.in_proj", layer + "attn.c_attn", true);
  add("blocks.{}.attention.out_proj", layer + "attn.c_proj", true);
  add("blocks.{}.feed_forward_norm", layer + "ln_2", false);
  add("blocks.{}.feed_forward.in_proj", layer + "mlp.c_fc", true);
  add("blocks.{}.feed_forward.out_proj", layer + "mlp.c_proj", true);
  add("final_norm", "transformer.ln_f", false);
  // The causal mask, which early versions saved with every layer.
  map.ignored = {layer + "attn.bias", layer + "attn.masked_bias"};
  map.other_heads = {"score.", "classifier.", "multiple_choice_head.", "qa_outputs."};

  // All biases are part of the layout, whether our model has them or not.
  const int64_t C = o.d_model, F = o.feed_forward;
  for (int64_t n = 0; n < o.layers; ++n) {
    const std::string at = fmt::format("transformer.h.{}.", n);
    if (!o.norm_bias) map.zeros[at + "ln_1.bias"] = map.zeros[at + "ln_2.bias"] = {C};
    if (!o.attention_bias) map.zeros[at + "attn.c_attn.bias"] = {rows_of(block_options(o, n))};
    if (!o.attention_bias) map.zeros[at + "attn.c_proj.bias"] = {C};
    if (!o.feed_forward_bias) map.zeros[at + "mlp.c_fc.bias"] = {F};
    if (!o.feed_forward_bias) map.zeros[at + "mlp.c_proj.bias"] = {C};
  }
  if (!o.norm_bias) map.zeros["transformer.ln_f.bias"] = {C};
  return map;
}

/// `layer`: its number, or {} for all.
void add_llama_attention(NameMap& map, const std::string& layer,
                         const MultiHeadAttentionOptions& o) {
  const std::string ours = "blocks." + layer + ".attention.",
                    theirs = "model.layers." + layer + ".self_attn.";
  const int64_t q_rows = o.heads * o.head_width, kv_rows = o.kv_heads * o.head_width;
  add_layer(map, {.ours = ours + "in_proj",
                  .theirs = {theirs + "q_proj", theirs + "k_proj", theirs + "v_proj"},
                  .rows = {q_rows, kv_rows, kv_rows}});
  add_layer(map, {.ours = ours + "out_proj", .theirs = {theirs + "o_proj"}});
}

MultiHeadAttentionOptions whole_attention(GptOptions o) {
  o.pruned_heads.clear();
  return block_options(o, 0).attention;
}

// Llama keeps queries, keys, values, and the gate and its values, as matrices of their own, which
// lie below each other in ours.
NameMap llama_names(const GptOptions& o) {
  NameMap map{.family = "Llama", .prefix = "model.", .rows = {}};
  const std::string layer = "model.layers.{}.";
  const std::string mlp = layer + "mlp.";
  add_parameter(map, "token_embedding.weight", "model.embed_tokens.weight");
  add_parameter(map, "blocks.{}.attention_norm.weight", layer + "input_layernorm.weight");
  for (const auto& [n, heads] : parse_heads(o.pruned_heads))  // before the row of all layers
    add_llama_attention(map, std::to_string(n), block_options(o, n).attention);
  add_llama_attention(map, "{}", whole_attention(o));
  add_parameter(map, "blocks.{}.feed_forward_norm.weight",
                layer + "post_attention_layernorm.weight");
  add_layer(map, {.ours = "blocks.{}.feed_forward.in_proj",
                  .theirs = {mlp + "gate_proj", mlp + "up_proj"}});
  add_layer(map, {.ours = "blocks.{}.feed_forward.out_proj", .theirs = {mlp + "down_proj"}});
  add_parameter(map, "final_norm.weight", "model.norm.weight");
  map.ignored = {layer + "self_attn.rotary_emb.inv_freq", "model.rotary_emb.inv_freq"};
  map.other_heads = {"score.", "qa_outputs."};
  return map;
}

struct GptFormat : LanguageModelFormat<GptFormat, Gpt, GptConfig> {
  static GptConfig from_json(const nlohmann::json& config) { return gpt_config_from_json(config); }
  static nlohmann::json to_json(const GptConfig& config, const std::string& dtype) {
    return gpt_config_to_json(config, dtype);
  }
  static NameMap name_map(GptLayout layout, const GptOptions& options, bool head_optional) {
    return gpt_name_map(layout, options, head_optional);
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
  if (!config.has_head && !reader.contains("lm_head.weight"))
    cost.parameters -= cost.output_parameters;
  return result;
}

}  // namespace

NameMap gpt_name_map(GptLayout layout, const GptOptions& options, bool head_optional) {
  if (layout == GptLayout::kZoo) return {.family = "zoo_gpt", .rows = {}};
  const GptOptions o = resolved(options);
  NameMap map = layout == GptLayout::kGpt2 ? gpt2_names(o) : llama_names(o);
  if (o.tie_embeddings) {
    map.copies["lm_head.weight"] = map.rows.front().theirs.front();
  } else {
    map.rows.push_back(
        {.ours = "lm_head.weight", .theirs = {"lm_head.weight"}, .optional = head_optional});
  }
  return map;
}

GptConfig read_gpt_config(const fs::path& folder) {
  return read_checkpoint_config<GptFormat>(folder);
}

Gpt load_gpt(const fs::path& folder, const LoadModelOptions& options) {
  return load_checkpoint<GptFormat>(folder, options);
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
  registry.add(std::move(family));
}

}  // namespace zoo
