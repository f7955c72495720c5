// Which key of GPT-2's and of Llama's config.json means which of our options.
#include "models/pretrained/gpt_config_keys.h"

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "models/pretrained/config_values.h"

namespace zoo {
namespace {

using nlohmann::json;

using detail::count;
using detail::fail;
using detail::get;

void require(const json& config, const std::string& key, bool value) {
  if (get(config, key, value) != value) {
    fail("\"{}\" is {}, which the zoo's GPT does not have", key, !value);
  }
}

std::string reference_activation(Activation activation) {
  if (activation == Activation::kRelu) return "relu";
  return activation == Activation::kGelu ? "gelu" : "gelu_new";
}

Activation activation_of(const std::string& name) {
  if (name == "relu") return Activation::kRelu;
  if (name == "gelu") return Activation::kGelu;
  if (name == "gelu_new" || name == "gelu_pytorch_tanh") return Activation::kGeluTanh;
  fail(
      "activation_function \"{}\" is not supported; known are gelu, gelu_new, gelu_pytorch_tanh, "
      "relu",
      name.substr(0, 60));
}

json gpt2_keys(const GptOptions& o) {
  return {{"vocab_size", o.vocab_size},
          {"n_positions", o.context},
          {"n_embd", o.d_model},
          {"n_layer", o.layers},
          {"n_head", o.heads},
          {"n_inner", o.feed_forward},
          {"activation_function", reference_activation(o.activation)},
          {"resid_pdrop", o.residual_dropout},
          {"embd_pdrop", o.embedding_dropout},
          {"attn_pdrop", o.attention_dropout},
          {"layer_norm_epsilon", o.norm_epsilon},
          {"initializer_range", o.init_std},
          {"scale_attn_weights", o.scale_attention},
          {"scale_attn_by_inverse_layer_idx", o.scale_by_layer},
          {"tie_word_embeddings", o.tie_embeddings}};
}

GptOptions gpt2_options(const json& config) {
  require(config, "add_cross_attention", false);
  require(config, "is_encoder_decoder", false);
  GptOptions o;
  o.vocab_size = count(config, "vocab_size", 50257);
  o.context = count(config, "n_positions", 1024);
  o.d_model = count(config, "n_embd", 768);
  o.layers = count(config, "n_layer", 12);
  o.heads = count(config, "n_head", 12);
  o.feed_forward = count(config, "n_inner", 4 * o.d_model);
  o.activation = activation_of(get<std::string>(config, "activation_function", "gelu_new"));
  o.residual_dropout = get(config, "resid_pdrop", 0.1);
  o.embedding_dropout = get(config, "embd_pdrop", 0.1);
  o.attention_dropout = get(config, "attn_pdrop", 0.1);
  o.norm_epsilon = get(config, "layer_norm_epsilon", 1e-5);
  o.init_std = get(config, "initializer_range", 0.02);
  o.scale_attention = get(config, "scale_attn_weights", true);
  o.scale_by_layer = get(config, "scale_attn_by_inverse_layer_idx", false);
  o.tie_embeddings = get(config, "tie_word_embeddings", true);
  return o;
}

json rope_keys(const RotaryOptions& rotary) {
  json keys = {{"rope_theta", rotary.base}, {"rope_type", "default"}};
  if (rotary.scaling == RotaryScaling::kNone) return keys;
  keys["rope_type"] = name_of(rotary.scaling);
  keys["factor"] = rotary.factor;
  if (rotary.scaling == RotaryScaling::kLlama3) {
    keys["low_freq_factor"] = rotary.low_frequency;
    keys["high_freq_factor"] = rotary.high_frequency;
    keys["original_max_position_embeddings"] = rotary.original_context;
  }
  return keys;
}

/// transformers 5 has everything under rope_parameters; before, rope_theta stood beside
/// rope_scaling, whose type was called "type".
RotaryOptions rotary_options(const json& config) {
  json rope = json::object();
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    const auto found = config.find(key);
    if (found == config.end() || found->is_null()) continue;
    if (!found->is_object()) fail("\"{}\" must be an object", key);
    rope.update(*found);
  }
  RotaryOptions rotary;
  rotary.base = get(rope, "rope_theta", get(config, "rope_theta", 10000.0));
  const auto type = get<std::string>(rope, "rope_type", get<std::string>(rope, "type", "default"));
  if (get(rope, "partial_rotary_factor", 1.0) != 1.0) fail("\"partial_rotary_factor\" must be 1");
  if (type == "default") return rotary;
  if (type != "linear" && type != "llama3") {
    fail("rope_type \"{}\" is not supported; known are default, linear, llama3",
         type.substr(0, 60));
  }
  const auto needed = [&](const char* key) {
    if (!rope.contains(key)) fail("rope_type {} needs \"{}\"", type, key);
    return json_value<double>(rope[key], key);
  };
  rotary.scaling = type == "linear" ? RotaryScaling::kLinear : RotaryScaling::kLlama3;
  rotary.factor = needed("factor");
  if (type == "llama3") {
    rotary.low_frequency = needed("low_freq_factor");
    rotary.high_frequency = needed("high_freq_factor");
    needed("original_max_position_embeddings");
    rotary.original_context = count(rope, "original_max_position_embeddings", 0);
  }
  return rotary;
}

json llama_keys(const GptOptions& o) {
  return {{"vocab_size", o.vocab_size},
          {"max_position_embeddings", o.context},
          {"hidden_size", o.d_model},
          {"num_hidden_layers", o.layers},
          {"num_attention_heads", o.heads},
          {"num_key_value_heads", o.kv_heads},
          {"head_dim", o.head_width},
          {"intermediate_size", o.feed_forward},
          {"hidden_act", "silu"},
          {"rms_norm_eps", o.norm_epsilon},
          {"rope_parameters", rope_keys(o.rotary)},
          {"attention_bias", o.attention_bias},
          {"mlp_bias", o.feed_forward_bias},
          {"attention_dropout", o.attention_dropout},
          {"initializer_range", o.init_std},
          {"tie_word_embeddings", o.tie_embeddings}};
}

GptOptions llama_options(const json& config) {
  GptOptions o;
  o.position = PositionKind::kRotary;
  o.norm = NormKind::kRms;
  o.activation = Activation::kSwiglu;
  o.vocab_size = count(config, "vocab_size", 32000);
  o.context = count(config, "max_position_embeddings", 2048);
  o.d_model = count(config, "hidden_size", 4096);
  o.layers = count(config, "num_hidden_layers", 32);
  o.heads = count(config, "num_attention_heads", 32);
  o.kv_heads = count(config, "num_key_value_heads", o.heads);
  if (get<int64_t>(config, "head_dim", 0) == 0 && o.d_model % o.heads != 0) {
    fail("\"hidden_size\" {} is not a multiple of \"num_attention_heads\" {}", o.d_model, o.heads);
  }
  o.head_width = count(config, "head_dim", o.d_model / o.heads);
  o.feed_forward = count(config, "intermediate_size", 11008);
  if (const auto act = get<std::string>(config, "hidden_act", "silu"); act != "silu") {
    fail("hidden_act \"{}\" is not supported; known is silu", act.substr(0, 60));
  }
  o.norm_epsilon = get(config, "rms_norm_eps", 1e-6);
  o.rotary = rotary_options(config);
  o.attention_bias = get(config, "attention_bias", false);
  o.feed_forward_bias = get(config, "mlp_bias", false);
  o.attention_dropout = get(config, "attention_dropout", 0.0);
  o.init_std = get(config, "initializer_range", 0.02);
  o.tie_embeddings = get(config, "tie_word_embeddings", false);
  return o;
}

}  // namespace

json reference_keys(const GptConfig& config) {
  switch (config.layout) {
    case GptLayout::kGpt2:
      return gpt2_keys(resolved(config.options));
    case GptLayout::kLlama:
      return llama_keys(resolved(config.options));
    case GptLayout::kZoo:
      return {{"vocab_size", config.options.vocab_size}};
  }
  throw std::invalid_argument("unknown GPT layout");
}

GptOptions options_from_reference_keys(const json& config, GptLayout layout) {
  if (layout == GptLayout::kGpt2) return gpt2_options(config);
  if (layout == GptLayout::kLlama) return llama_options(config);
  if (!config.contains("vocab_size")) fail("no \"vocab_size\"");
  GptOptions o;
  o.vocab_size = count(config, "vocab_size", 0);
  return o;
}

SpecialIds special_ids(const json& config) {
  SpecialIds ids;
  const auto optional_id = [&](const char* key) -> std::optional<int64_t> {
    const auto found = config.find(key);
    if (found == config.end() || found->is_null()) return std::nullopt;
    return json_value<int64_t>(*found, key);
  };
  ids.bos = optional_id("bos_token_id");
  ids.pad = optional_id("pad_token_id");
  const auto eos = config.find("eos_token_id");
  if (eos != config.end() && eos->is_array()) {
    for (const auto& id : *eos) ids.eos.push_back(json_value<int64_t>(id, "eos_token_id"));
  } else if (const auto id = optional_id("eos_token_id")) {
    ids.eos.push_back(*id);
  }
  return ids;
}

}  // namespace zoo
