// Phi 1 and 2 (Gunasekar et al. 2023, arXiv:2306.11644): attention and feed-forward network side by
// side behind one norm, biases everywhere, half of a head's coordinates rotate.
#include "models/pretrained/format/rope_keys.h"
#include "models/pretrained/format/stack_keys.h"
#include "models/pretrained/gpt/layouts/layouts.h"
#include "models/pretrained/gpt/layouts/separate_heads.h"

namespace zoo {
namespace {

GptOptions phi_built_in() {
  GptOptions o;
  o.position = PositionKind::kRotary;
  o.parallel = ParallelBranches::kOneNorm;
  o.output_bias = true;
  return o;
}

template <class Keys>
void phi_keys(Keys& keys, GptOptions& o) {
  keys.count("vocab_size", o.vocab_size, 51200);
  keys.count("max_position_embeddings", o.context, 2048);
  stack_keys(keys, o,
             {.d_model = 2048,
              .layers = 24,
              .heads = 32,
              .feed_forward = 8192,
              .activation = "gelu_new",
              .norm_epsilon = 1e-5});
  keys.count("num_key_value_heads", o.kv_heads, o.heads, Null::kMeansMissing);
  keys.flag("qk_layernorm", o.qk_norm, false);
  keys.number("resid_pdrop", o.residual_dropout, 0.0);
  keys.number("embd_pdrop", o.embedding_dropout, 0.0);
  keys.number("attention_dropout", o.attention_dropout, 0.0, Null::kMeansMissing);
  keys.number("initializer_range", o.init_std, 0.02);
  keys.flag("tie_word_embeddings", o.tie_embeddings, false);
  rope_keys(keys, o.rotary, o.context, {.share = 0.5, .whole_heads = false});
  keys.absent("head_dim", "it is hidden_size / num_attention_heads");
  keys.fixed("is_encoder_decoder", false);
  keys.fixed("is_causal", true, {}, Null::kRefused);
}

NameMap phi_names(const GptOptions& o) {
  NameMap map{.family = {}, .prefix = "model.", .rows = {}};
  const std::string layer = "model.layers.{}.", attention = layer + "self_attn.";
  const auto add = [&](const std::string& ours, const std::string& theirs) {
    add_layer(map, {.ours = ours, .theirs = {theirs}});
  };
  add_parameter(map, "token_embedding.weight", "model.embed_tokens.weight");
  add("blocks.{}.attention_norm", layer + "input_layernorm");
  add_separate_heads(map, o, attention, "dense");
  add("blocks.{}.attention.q_norm", attention + "q_layernorm");
  add("blocks.{}.attention.k_norm", attention + "k_layernorm");
  add("blocks.{}.feed_forward.in_proj", layer + "mlp.fc1");
  add("blocks.{}.feed_forward.out_proj", layer + "mlp.fc2");
  add("final_norm", "model.final_layernorm");
  map.ignored = {attention + "rotary_emb.inv_freq"};
  map.other_heads = {"score.", "classifier."};
  return map;
}

}  // namespace

GptLayoutRow phi_layout() {
  return {.layout = GptLayout::kPhi,
          .title = "Phi",
          .classes = {"PhiForCausalLM", "PhiModel"},
          .built_in = phi_built_in,
          .read = phi_keys<ReadKeys>,
          .write = phi_keys<WriteKeys>,
          .names = phi_names};
}

}  // namespace zoo
