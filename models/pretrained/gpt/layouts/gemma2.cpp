// Gemma 2 (Gemma Team 2024, arXiv:2408.00118): norms before and after each sub-layer, capped scores
// and logits, every other layer local.
#include "models/pretrained/format/config_json.h"
#include "models/pretrained/gpt/layouts/llama_shape.h"
#include "models/pretrained/gpt/layouts/separate_heads.h"

namespace zoo {
namespace {

GptOptions gemma2_built_in() {
  GptOptions o = llama_built_in();
  o.norm_place = NormPlace::kSandwich;
  o.activation = Activation::kGegluTanh;
  o.scale_embeddings = true;
  return o;
}

template <class Keys>
void gemma2_keys(Keys& keys, GptOptions& o) {
  keys.count("vocab_size", o.vocab_size, 256000);
  keys.count("max_position_embeddings", o.context, 8192);
  size_keys(keys, o, {.d_model = 2304, .layers = 26, .heads = 8, .feed_forward = 9216});
  keys.count("num_key_value_heads", o.kv_heads, 4);
  keys.count("head_dim", o.head_width, 256);
  keys.gate("hidden_activation", o.activation, "gelu_pytorch_tanh");
  keys.number("rms_norm_eps", o.norm_epsilon, 1e-6);
  if (o.scale_width == 0) o.scale_width = o.head_width;
  keys.count("query_pre_attn_scalar", o.scale_width, 256);
  keys.number_or_null("attn_logit_softcapping", o.score_cap, 50.0);
  keys.number_or_null("final_logit_softcapping", o.logit_cap, 30.0);
  keys.flag("attention_bias", o.attention_bias, false);
  keys.number("attention_dropout", o.attention_dropout, 0.0, Null::kMeansMissing);
  keys.number("initializer_range", o.init_std, 0.02);
  keys.flag("tie_word_embeddings", o.tie_embeddings, true);
  keys.count_or_null("sliding_window", o.window, 4096, 0);
  std::string pattern = o.window > 0 ? o.window_pattern : "G";
  keys.layer_types(pattern, o.layers, "LG");
  if (o.window == 0 && pattern.find('L') != std::string::npos)
    config_fail("\"layer_types\" has sliding_attention, but \"sliding_window\" is null");
  o.window_pattern = o.window > 0 ? pattern : "L";
  rope_keys(keys, o.rotary, o.context);
  keys.fixed("use_bidirectional_attention", false);
  keys.fixed("is_encoder_decoder", false);
  keys.fixed("is_causal", true, {}, Null::kRefused);
}

/// Of norms the file has what is added to 1.
NameMap gemma2_names(const GptOptions& o) {
  NameMap map{.family = {}, .prefix = "model.", .rows = {}};
  const std::string layer = "model.layers.{}.", mlp = layer + "mlp.";
  const auto add_norm = [&](const std::string& ours, const std::string& theirs) {
    map.rows.push_back({.ours = ours + ".weight", .theirs = {theirs + ".weight"}, .plus = 1.0});
  };
  add_parameter(map, "token_embedding.weight", "model.embed_tokens.weight");
  add_norm("blocks.{}.attention_norm", layer + "input_layernorm");
  add_separate_heads(map, o, layer + "self_attn.", "o_proj");
  add_norm("blocks.{}.attention_out_norm", layer + "post_attention_layernorm");
  add_norm("blocks.{}.feed_forward_norm", layer + "pre_feedforward_layernorm");
  add_layer(map, {.ours = "blocks.{}.feed_forward.in_proj",
                  .theirs = {mlp + "gate_proj", mlp + "up_proj"}});
  add_layer(map, {.ours = "blocks.{}.feed_forward.out_proj", .theirs = {mlp + "down_proj"}});
  add_norm("blocks.{}.feed_forward_out_norm", layer + "post_feedforward_layernorm");
  add_norm("final_norm", "model.norm");
  map.ignored = {layer + "self_attn.rotary_emb.inv_freq"};
  map.other_heads = {"score."};
  return map;
}

}  // namespace

GptLayoutRow gemma2_layout() {
  return {.layout = GptLayout::kGemma2,
          .title = "Gemma 2",
          .classes = {"Gemma2ForCausalLM", "Gemma2Model"},
          .built_in = gemma2_built_in,
          .read = gemma2_keys<ReadKeys>,
          .write = gemma2_keys<WriteKeys>,
          .layer_types = LayerTypes::kRead,
          .names = gemma2_names};
}

}  // namespace zoo
