// Which key of GPT-2's and of Llama's config.json means which of our options.
#include "models/pretrained/gpt/gpt_config_keys.h"

#include <algorithm>

#include "models/pretrained/format/config_json.h"
#include "models/pretrained/format/config_keys.h"
#include "models/pretrained/format/rope_keys.h"
#include "models/pretrained/format/stack_keys.h"

namespace zoo {
namespace {

using nlohmann::json;

constexpr KeyAlias kGpt2Aliases[] = {{"hidden_size", "n_embd"},
                                     {"max_position_embeddings", "n_positions"},
                                     {"num_attention_heads", "n_head"},
                                     {"num_hidden_layers", "n_layer"}};

template <class Keys>
void gpt2_keys(Keys& keys, GptOptions& o) {
  keys.count("vocab_size", o.vocab_size, 50257);
  keys.count("n_positions", o.context, 1024);
  keys.count("n_embd", o.d_model, 768);
  keys.count("n_layer", o.layers, 12);
  keys.count("n_head", o.heads, 12);
  keys.heads("pruned_heads", o.pruned_heads);
  keys.count("n_inner", o.feed_forward, 4 * o.d_model, Null::kMeansMissing);
  keys.activation("activation_function", o.activation, "gelu_new");
  keys.number("resid_pdrop", o.residual_dropout, 0.1);
  keys.number("embd_pdrop", o.embedding_dropout, 0.1);
  keys.number("attn_pdrop", o.attention_dropout, 0.1);
  keys.number("layer_norm_epsilon", o.norm_epsilon, 1e-5);
  keys.number("initializer_range", o.init_std, 0.02);
  keys.flag("scale_attn_weights", o.scale_attention, true);
  keys.flag("scale_attn_by_inverse_layer_idx", o.scale_by_layer, false);
  keys.flag("tie_word_embeddings", o.tie_embeddings, true);
  keys.fixed("add_cross_attention", false);
  keys.fixed("is_encoder_decoder", false);
  keys.fixed("is_causal", true, {}, Null::kRefused);
}

template <class Keys>
void llama_keys(Keys& keys, GptOptions& o) {
  keys.count("vocab_size", o.vocab_size, 32000);
  keys.count("max_position_embeddings", o.context, 2048);
  size_keys(keys, o, {.d_model = 4096, .layers = 32, .heads = 32, .feed_forward = 11008});
  keys.count("num_key_value_heads", o.kv_heads, o.heads, Null::kMeansMissing);
  keys.count("head_dim", o.head_width, std::max<int64_t>(o.d_model / o.heads, 1),
             Null::kMeansMissing);
  keys.number("rms_norm_eps", o.norm_epsilon, 1e-6);
  keys.flag("attention_bias", o.attention_bias, false);
  keys.flag("mlp_bias", o.feed_forward_bias, false);
  keys.number("attention_dropout", o.attention_dropout, 0.0, Null::kMeansMissing);
  keys.number("initializer_range", o.init_std, 0.02);
  keys.flag("tie_word_embeddings", o.tie_embeddings, false);
  keys.fixed("hidden_act", "silu", "the zoo's gate is");
  keys.fixed("is_encoder_decoder", false);
  keys.fixed("is_causal", true, {}, Null::kRefused);
}

GptOptions llama_options(const json& config) {
  GptOptions o;
  o.position = PositionKind::kRotary;
  o.norm = NormKind::kRms;
  o.activation = Activation::kSwiglu;
  ReadKeys keys(config);
  llama_keys(keys, o);
  const auto head = config.find("head_dim");
  if ((head == config.end() || head->is_null()) && o.d_model % o.heads != 0) {
    config_fail("\"hidden_size\" {} is not a multiple of \"num_attention_heads\" {}", o.d_model,
                o.heads);
  }
  o.rotary = read_rope_parameters(config, o.context);
  if (o.rotary.share != 1.0) config_fail("\"partial_rotary_factor\" must be 1");
  return o;
}

}  // namespace

json reference_keys(const GptConfig& config) {
  GptOptions o = config.options;
  if (config.layout == GptLayout::kZoo) return {{"vocab_size", o.vocab_size}};
  o = resolved(o);
  json result = json::object();
  WriteKeys keys(result);
  if (config.layout == GptLayout::kGpt2) {
    gpt2_keys(keys, o);
  } else {
    llama_keys(keys, o);
    result["hidden_act"] = "silu";
    result["rope_parameters"] = rope_parameters(o.rotary);
  }
  return result;
}

GptOptions options_from_reference_keys(const json& config, GptLayout layout) {
  if (layout == GptLayout::kLlama) return llama_options(config);
  GptOptions o;
  if (layout == GptLayout::kGpt2) {
    ReadKeys keys(config, kGpt2Aliases);
    gpt2_keys(keys, o);
    return o;
  }
  if (!config.contains("vocab_size")) config_fail("no \"vocab_size\"");
  o.vocab_size = config_count(config, "vocab_size", 0);
  return o;
}

}  // namespace zoo
