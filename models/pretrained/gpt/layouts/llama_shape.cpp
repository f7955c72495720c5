#include "models/pretrained/gpt/layouts/llama_shape.h"

#include "models/pretrained/gpt/layouts/separate_heads.h"

namespace zoo {

GptOptions llama_built_in() {
  GptOptions o;
  o.position = PositionKind::kRotary;
  o.norm = NormKind::kRms;
  o.activation = Activation::kSwiglu;
  o.attention_bias = o.feed_forward_bias = false;
  return o;
}

// Queries, keys, values, and the gate and its values, are matrices of their own there, which lie
// below each other in ours.
NameMap llama_names(const GptOptions& o) {
  NameMap map{.family = {}, .prefix = "model.", .rows = {}};
  const std::string layer = "model.layers.{}.", attention = layer + "self_attn.",
                    mlp = layer + "mlp.";
  add_parameter(map, "token_embedding.weight", "model.embed_tokens.weight");
  add_parameter(map, "blocks.{}.attention_norm.weight", layer + "input_layernorm.weight");
  add_separate_heads(map, o, attention, "o_proj");
  add_parameter(map, "blocks.{}.attention.q_norm.weight", attention + "q_norm.weight");
  add_parameter(map, "blocks.{}.attention.k_norm.weight", attention + "k_norm.weight");
  add_parameter(map, "blocks.{}.feed_forward_norm.weight",
                layer + "post_attention_layernorm.weight");
  add_layer(map, {.ours = "blocks.{}.feed_forward.in_proj",
                  .theirs = {mlp + "gate_proj", mlp + "up_proj"}});
  add_layer(map, {.ours = "blocks.{}.feed_forward.out_proj", .theirs = {mlp + "down_proj"}});
  add_parameter(map, "final_norm.weight", "model.norm.weight");
  map.ignored = {attention + "rotary_emb.inv_freq", "model.rotary_emb.inv_freq"};
  map.other_heads = {"score.", "qa_outputs."};
  return map;
}

void add_llama_experts(NameMap& map, const std::string& moe, const std::string& gate,
                       const std::string& up, const std::string& down) {
  const std::string ours = "blocks.{}.experts.", theirs = "model.layers.{}." + moe,
                    expert = theirs + "experts.{}.";
  add_parameter(map, ours + "router.weight", theirs + "gate.weight");
  map.rows.push_back({.ours = ours + "experts.{}.in_proj.weight",
                      .theirs = {expert + gate + ".weight", expert + up + ".weight"}});
  add_parameter(map, ours + "experts.{}.out_proj.weight", expert + down + ".weight");
  const std::string in_memory = "model.layers.{}.mlp.experts.";
  map.stacks = {{ours + "experts.{}.in_proj.weight", in_memory + "gate_up_proj"},
                {ours + "experts.{}.out_proj.weight", in_memory + "down_proj"}};
}

}  // namespace zoo
