// OPT (Zhang et al. 2022, arXiv:2205.01068): learned positions behind two rows that nobody uses;
// its 350m has norms after each sub-layer, and token embeddings of another width.
#include "models/pretrained/gpt/layouts/layouts.h"
#include "models/pretrained/gpt/layouts/separate_heads.h"

namespace zoo {
namespace {

GptOptions opt_built_in() {
  GptOptions o;
  o.position_offset = 2;
  return o;
}

template <class Keys>
void opt_keys(Keys& keys, GptOptions& o) {
  keys.count("vocab_size", o.vocab_size, 50272);
  keys.count("max_position_embeddings", o.context, 2048);
  keys.count("hidden_size", o.d_model, 768);
  keys.count("num_hidden_layers", o.layers, 12);
  keys.count("num_attention_heads", o.heads, 12);
  keys.heads("pruned_heads", o.pruned_heads);
  keys.count("ffn_dim", o.feed_forward, 3072);
  keys.count("word_embed_proj_dim", o.embedding_width, o.d_model, Null::kMeansMissing);
  keys.activation("activation_function", o.activation, "relu");
  bool before = o.norm_place == NormPlace::kPre;
  keys.flag("do_layer_norm_before", before, true);
  o.norm_place = before ? NormPlace::kPre : NormPlace::kPost;
  bool biases = o.attention_bias && o.feed_forward_bias;
  keys.flag("enable_bias", biases, true);
  o.attention_bias = o.feed_forward_bias = biases;
  keys.number("dropout", o.residual_dropout, 0.1);
  keys.number("attention_dropout", o.attention_dropout, 0.0);
  keys.number("init_std", o.init_std, 0.02);
  keys.flag("tie_word_embeddings", o.tie_embeddings, true);
  keys.fixed("_remove_final_layer_norm", false, {}, Null::kRefused);
  keys.fixed("layer_norm_elementwise_affine", true, {}, Null::kRefused);
  keys.fixed("is_encoder_decoder", false);
  keys.fixed("is_causal", true, {}, Null::kRefused);
}

NameMap opt_names(const GptOptions& o) {
  NameMap map{.family = {}, .prefix = "model.", .rows = {}};
  const std::string decoder = "model.decoder.", layer = decoder + "layers.{}.";
  const auto add = [&](const std::string& ours, const std::string& theirs) {
    add_layer(map, {.ours = ours, .theirs = {theirs}});
  };
  add_parameter(map, "token_embedding.weight", decoder + "embed_tokens.weight");
  add_parameter(map, "position.table.weight", decoder + "embed_positions.weight");
  add_parameter(map, "embedding_proj.weight", decoder + "project_in.weight");
  add_parameter(map, "output_proj.weight", decoder + "project_out.weight");
  add("blocks.{}.attention_norm", layer + "self_attn_layer_norm");
  add_separate_heads(map, o, layer + "self_attn.", "out_proj");
  add("blocks.{}.feed_forward_norm", layer + "final_layer_norm");
  add("blocks.{}.feed_forward.in_proj", layer + "fc1");
  add("blocks.{}.feed_forward.out_proj", layer + "fc2");
  add("final_norm", decoder + "final_layer_norm");
  map.other_heads = {"score.", "qa_outputs."};
  return map;
}

}  // namespace

GptLayoutRow opt_layout() {
  return {.layout = GptLayout::kOpt,
          .title = "OPT",
          .classes = {"OPTForCausalLM", "OPTModel"},
          .built_in = opt_built_in,
          .read = opt_keys<ReadKeys>,
          .write = opt_keys<WriteKeys>,
          .names = opt_names,
          .counts_mask = true};
}

}  // namespace zoo
