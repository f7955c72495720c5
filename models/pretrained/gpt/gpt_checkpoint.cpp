// Names on disk of GPT-2's and Llama's layouts, and whole checkpoints in and out.
#include "models/pretrained/gpt/gpt_checkpoint.h"

#include <fmt/format.h>

#include <stdexcept>

#include "base/files.h"
#include "models/pretrained/format/checkpoint_folder.h"
#include "models/pretrained/format/config_json.h"
#include "models/pretrained/format/safetensors.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

// GPT-2 keeps its matrices as [in, out] (a "Conv1D"), hence transposed; queries, keys and values
// are one matrix there as here.
NameMap gpt2_names(const GptOptions& o) {
  NameMap map{.family = "GPT-2", .prefix = "transformer.", .rows = {}};
  const std::string layer = "transformer.h.{}.";
  const auto add = [&](const std::string& ours, const std::string& theirs, bool transposed) {
    map.rows.push_back(
        {.ours = ours + ".weight", .theirs = {theirs + ".weight"}, .transposed = transposed});
    map.rows.push_back({.ours = ours + ".bias", .theirs = {theirs + ".bias"}});
  };
  map.rows.push_back({.ours = "token_embedding.weight", .theirs = {"transformer.wte.weight"}});
  map.rows.push_back({.ours = "position.table.weight", .theirs = {"transformer.wpe.weight"}});
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
    if (!o.attention_bias) map.zeros[at + "attn.c_attn.bias"] = {3 * C};
    if (!o.attention_bias) map.zeros[at + "attn.c_proj.bias"] = {C};
    if (!o.feed_forward_bias) map.zeros[at + "mlp.c_fc.bias"] = {F};
    if (!o.feed_forward_bias) map.zeros[at + "mlp.c_proj.bias"] = {C};
  }
  if (!o.norm_bias) map.zeros["transformer.ln_f.bias"] = {C};
  return map;
}

// Llama keeps queries, keys, values, and the gate and its values, as matrices of their own, which
// lie below each other in ours.
NameMap llama_names(const GptOptions& o) {
  NameMap map{.family = "Llama", .prefix = "model.", .rows = {}};
  const std::string layer = "model.layers.{}.";
  const int64_t q_rows = o.heads * o.head_width, kv_rows = o.kv_heads * o.head_width;
  const auto add = [&](const std::string& ours, const std::string& theirs) {
    map.rows.push_back({.ours = ours, .theirs = {theirs}});
  };
  const auto add_linear = [&](const std::string& ours, const std::vector<std::string>& theirs,
                              const std::vector<int64_t>& rows = {}) {
    for (const char* kind : {".weight", ".bias"}) {
      NameRow row{.ours = ours + kind, .theirs = theirs, .rows = rows};
      for (auto& name : row.theirs) name += kind;
      map.rows.push_back(row);
    }
  };
  const std::string attention = layer + "self_attn.", mlp = layer + "mlp.";
  add("token_embedding.weight", "model.embed_tokens.weight");
  add("blocks.{}.attention_norm.weight", layer + "input_layernorm.weight");
  add_linear("blocks.{}.attention.in_proj",
             {attention + "q_proj", attention + "k_proj", attention + "v_proj"},
             {q_rows, kv_rows, kv_rows});
  add_linear("blocks.{}.attention.out_proj", {attention + "o_proj"});
  add("blocks.{}.feed_forward_norm.weight", layer + "post_attention_layernorm.weight");
  add_linear("blocks.{}.feed_forward.in_proj", {mlp + "gate_proj", mlp + "up_proj"});
  add_linear("blocks.{}.feed_forward.out_proj", {mlp + "down_proj"});
  add("final_norm.weight", "model.norm.weight");
  map.ignored = {layer + "self_attn.rotary_emb.inv_freq", "model.rotary_emb.inv_freq"};
  map.other_heads = {"score.", "qa_outputs."};
  return map;
}

GptConfig config_of(const Gpt& model, const SpecialIds& ids) {
  return {
      .options = model->options, .layout = layout_of(model->options), .has_head = true, .ids = ids};
}

/// A folder that says it has no output layer may hold one all the same.
void load_weights(Gpt& model, const SafetensorsReader& reader, const GptConfig& config,
                  bool head_optional) {
  const bool missing =
      !config.has_head && !model->options.tie_embeddings && !reader.contains("lm_head.weight");
  if (missing && !head_optional) {
    throw std::runtime_error(fmt::format(
        "{}: a checkpoint without an output layer (no tensor \"lm_head.weight\"), which cannot "
        "predict tokens; save it in Python as GPT2LMHeadModel or LlamaForCausalLM",
        reader.path().string()));
  }
  load_named(*model, reader, gpt_name_map(config.layout, model->options, missing));
}

/// At least so many parameters does config.json describe.
double claimed_parameters(const GptOptions& o) {
  const auto product = [](int64_t a, int64_t b) { return double(a) * double(b); };
  double claimed = product(o.vocab_size, o.d_model);
  if (o.position == PositionKind::kLearned) claimed += product(o.context, o.d_model);
  const double queries = product(o.heads, o.head_width) * double(o.d_model);
  return claimed + double(o.layers) * (queries + product(o.d_model, o.feed_forward));
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

Gpt load_gpt(const fs::path& folder, const LoadGptOptions& load) {
  GptConfig config = read_gpt_config(folder);
  config.options.attention = settled_kernel(load.attention, config.options.attention, load.device);
  const SafetensorsReader reader(folder);
  check_claim(claimed_parameters(config.options), reader);
  // An output layer of other values than the embedding's is one of its own, whatever config.json
  // says of it.
  const NameMap names =
      from_config(folder, [&] { return gpt_name_map(config.layout, config.options); });
  if (differs_from_original(reader, names, "lm_head.weight")) config.options.tie_embeddings = false;
  Gpt model = build_model<Gpt>(config.options, folder);
  model->to(load.device, load.dtype);
  load_weights(model, reader, config, load.head_optional);
  model->eval();
  return model;
}

void load_gpt_weights(Gpt& model, const fs::path& folder) {
  load_weights(model, SafetensorsReader(folder), read_gpt_config(folder), /*head_optional=*/false);
}

void save_gpt(const Gpt& model, const fs::path& folder, const SpecialIds& ids) {
  const GptConfig config = config_of(model, ids);
  const auto dtype = model->token_embedding->weight.scalar_type();
  write_file(folder / "config.json",
             gpt_config_to_json(config, config_dtype(dtype)).dump(2) + "\n");
  write_safetensors(folder / "model.safetensors",
                    export_named(*model, gpt_name_map(config.layout, config.options)));
}

}  // namespace zoo
