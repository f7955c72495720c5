// GPT-NeoX (Black et al. 2022, arXiv:2204.06745) and Pythia: attention and feed-forward network
// side by side, each behind a norm of its own.
#include "models/pretrained/format/rope_keys.h"
#include "models/pretrained/format/stack_keys.h"
#include "models/pretrained/gpt/layouts/layouts.h"

namespace zoo {
namespace {

GptOptions neox_built_in() {
  GptOptions o;
  o.position = PositionKind::kRotary;
  return o;
}

template <class Keys>
void neox_keys(Keys& keys, GptOptions& o) {
  keys.count("vocab_size", o.vocab_size, 50432);
  keys.count("max_position_embeddings", o.context, 2048);
  stack_keys(
      keys, o,
      {.d_model = 6144, .layers = 44, .heads = 64, .feed_forward = 24576, .norm_epsilon = 1e-5});
  keys.number("hidden_dropout", o.residual_dropout, 0.0);
  keys.number("attention_dropout", o.attention_dropout, 0.0);
  keys.number("initializer_range", o.init_std, 0.02);
  keys.flag("attention_bias", o.attention_bias, true);
  keys.flag("tie_word_embeddings", o.tie_embeddings, false);
  bool parallel = o.parallel != ParallelBranches::kNone;
  keys.flag("use_parallel_residual", parallel, true);
  o.parallel = parallel ? ParallelBranches::kTwoNorms : ParallelBranches::kNone;
  rope_keys(keys, o.rotary, o.context,
            {.share = 0.25,
             .base_key = "rotary_emb_base",
             .share_key = "rotary_pct",
             .whole_heads = false});
  keys.fixed("is_encoder_decoder", false);
  keys.fixed("is_causal", true, {}, Null::kRefused);
}

NameMap neox_names(const GptOptions& o) {
  NameMap map{.family = {}, .prefix = "gpt_neox.", .rows = {}};
  const std::string layer = "gpt_neox.layers.{}.";
  const auto add = [&](const std::string& ours, const std::string& theirs) {
    add_layer(map, {.ours = ours, .theirs = {theirs}});
  };
  add_parameter(map, "token_embedding.weight", "gpt_neox.embed_in.weight");
  add("blocks.{}.attention_norm", layer + "input_layernorm");
  add_layer(map, {.ours = "blocks.{}.attention.in_proj",
                  .theirs = {layer + "attention.query_key_value"},
                  .interleaved = o.head_width});
  add("blocks.{}.attention.out_proj", layer + "attention.dense");
  add("blocks.{}.feed_forward_norm", layer + "post_attention_layernorm");
  add("blocks.{}.feed_forward.in_proj", layer + "mlp.dense_h_to_4h");
  add("blocks.{}.feed_forward.out_proj", layer + "mlp.dense_4h_to_h");
  add("final_norm", "gpt_neox.final_layer_norm");
  map.synonyms = {{"lm_head.weight", "embed_out.weight"}};  // as the module calls it
  for (const char* unused : {"bias", "masked_bias", "rotary_emb.inv_freq"})
    map.ignored.push_back(layer + "attention." + unused);
  map.other_heads = {"score.", "classifier.", "qa_outputs."};
  return map;
}

}  // namespace

GptLayoutRow neox_layout() {
  return {.layout = GptLayout::kNeox,
          .title = "GPT-NeoX",
          .classes = {"GPTNeoXForCausalLM", "GPTNeoXModel"},
          .built_in = neox_built_in,
          .read = neox_keys<ReadKeys>,
          .write = neox_keys<WriteKeys>,
          .names = neox_names,
          .output = "embed_out"};
}

}  // namespace zoo
