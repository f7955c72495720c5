// BLOOM (BigScience 2022, arXiv:2211.05100): ALiBi, and a norm on the embeddings.
#include "models/pretrained/gpt/layouts/layouts.h"

namespace zoo {
namespace {

GptOptions bloom_built_in() {
  GptOptions o;
  o.position = PositionKind::kAlibi;
  o.norm_embeddings = true;
  o.activation = Activation::kGeluTanh;
  return o;
}

constexpr KeyAlias kBloomAliases[] = {{"n_embed", "hidden_size"},
                                      {"num_hidden_layers", "n_layer"},
                                      {"num_attention_heads", "n_head"}};

template <class Keys>
void bloom_keys(Keys& keys, GptOptions& o) {
  keys.count("vocab_size", o.vocab_size, 250880);
  keys.count("seq_length", o.context, 2048,
             Null::kMeansMissing);  // the reference has no use for it
  keys.count("hidden_size", o.d_model, 64);
  keys.count("n_layer", o.layers, 2);
  keys.count("n_head", o.heads, 8);
  keys.heads("pruned_heads", o.pruned_heads);
  keys.number("layer_norm_epsilon", o.norm_epsilon, 1e-5);
  keys.number("initializer_range", o.init_std, 0.02);
  keys.number("hidden_dropout", o.residual_dropout, 0.0);
  keys.number("attention_dropout", o.attention_dropout, 0.0);
  keys.flag("tie_word_embeddings", o.tie_embeddings, true);
  keys.fixed("slow_but_exact", false, {}, Null::kRefused);  // which would leave out biases
  keys.fixed("apply_residual_connection_post_layernorm", false);
  keys.fixed("is_encoder_decoder", false);
  keys.fixed("is_causal", true, {}, Null::kRefused);
}

NameMap bloom_names(const GptOptions& o) {
  NameMap map{.family = {}, .prefix = "transformer.", .rows = {}};
  const std::string layer = "transformer.h.{}.";
  const auto add = [&](const std::string& ours, const std::string& theirs) {
    add_layer(map, {.ours = ours, .theirs = {theirs}});
  };
  add_parameter(map, "token_embedding.weight", "transformer.word_embeddings.weight");
  add("embedding_norm", "transformer.word_embeddings_layernorm");
  add("blocks.{}.attention_norm", layer + "input_layernorm");
  add_layer(map, {.ours = "blocks.{}.attention.in_proj",
                  .theirs = {layer + "self_attention.query_key_value"},
                  .interleaved = o.head_width});
  add("blocks.{}.attention.out_proj", layer + "self_attention.dense");
  add("blocks.{}.feed_forward_norm", layer + "post_attention_layernorm");
  add("blocks.{}.feed_forward.in_proj", layer + "mlp.dense_h_to_4h");
  add("blocks.{}.feed_forward.out_proj", layer + "mlp.dense_4h_to_h");
  add("final_norm", "transformer.ln_f");
  map.other_heads = {"score.", "classifier.", "qa_outputs."};
  return map;
}

}  // namespace

GptLayoutRow bloom_layout() {
  return {.layout = GptLayout::kBloom,
          .title = "BLOOM",
          .classes = {"BloomForCausalLM", "BloomModel"},
          .built_in = bloom_built_in,
          .read = bloom_keys<ReadKeys>,
          .write = bloom_keys<WriteKeys>,
          .aliases = kBloomAliases,
          .names = bloom_names,
          .counts_mask = true};
}

}  // namespace zoo
