// Llama (Touvron et al. 2023) and those that follow it.
#include "models/layers/pruned_heads.h"
#include "models/pretrained/format/rope_keys.h"
#include "models/pretrained/format/stack_keys.h"
#include "models/pretrained/gpt/layouts/layouts.h"

namespace zoo {
namespace {

/// Rotary positions, RMS norms before each sub-layer, a gated feed-forward network.
GptOptions llama_built_in() {
  GptOptions o;
  o.position = PositionKind::kRotary;
  o.norm = NormKind::kRms;
  o.activation = Activation::kSwiglu;
  return o;
}

template <class Keys>
void llama_keys(Keys& keys, GptOptions& o) {
  keys.count("vocab_size", o.vocab_size, 32000);
  keys.count("max_position_embeddings", o.context, 2048);
  size_keys(keys, o, {.d_model = 4096, .layers = 32, .heads = 32, .feed_forward = 11008});
  keys.count("num_key_value_heads", o.kv_heads, o.heads, Null::kMeansMissing);
  keys.width("head_dim", o.head_width, Null::kMeansMissing);
  keys.gate("hidden_act", o.activation, "silu");
  keys.number("rms_norm_eps", o.norm_epsilon, 1e-6);
  keys.flag("attention_bias", o.attention_bias, false);
  keys.flag("mlp_bias", o.feed_forward_bias, false);
  keys.number("attention_dropout", o.attention_dropout, 0.0, Null::kMeansMissing);
  keys.number("initializer_range", o.init_std, 0.02);
  keys.flag("tie_word_embeddings", o.tie_embeddings, false);
  rope_keys(keys, o.rotary, o.context);
  keys.fixed("is_encoder_decoder", false);
  keys.fixed("is_causal", true, {}, Null::kRefused);
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

}  // namespace

GptLayoutRow llama_layout() {
  return {.layout = GptLayout::kLlama,
          .title = "Llama",
          .classes = {"LlamaForCausalLM", "LlamaModel"},
          .built_in = llama_built_in,
          .read = llama_keys<ReadKeys>,
          .write = llama_keys<WriteKeys>,
          .names = llama_names};
}

}  // namespace zoo
