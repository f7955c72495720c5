// GPT-2: Radford et al. 2019.
#include <fmt/format.h>

#include "models/pretrained/gpt/layouts/layouts.h"

namespace zoo {
namespace {

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

/// All biases are part of the layout, whether our model has them or not.
constexpr std::string_view kGpt2Free[] = {"norm-bias", "qkv-bias", "out-bias", "feed-forward-bias"};

void add_zeros(NameMap& map, const GptOptions& o) {
  const int64_t C = o.d_model;
  for (int64_t n = 0; n < o.layers; ++n) {
    const std::string at = fmt::format("transformer.h.{}.", n);
    const auto attention = block_options(o, n).attention;
    const int64_t rows = (attention.heads + 2 * attention.kv_heads) * attention.head_width;
    if (!o.norm_bias) map.zeros[at + "ln_1.bias"] = map.zeros[at + "ln_2.bias"] = {C};
    if (!attention.bias) map.zeros[at + "attn.c_attn.bias"] = {rows};
    if (!attention.out_bias) map.zeros[at + "attn.c_proj.bias"] = {C};
    if (!o.feed_forward_bias) map.zeros[at + "mlp.c_fc.bias"] = {o.feed_forward};
    if (!o.feed_forward_bias) map.zeros[at + "mlp.c_proj.bias"] = {C};
  }
  if (!o.norm_bias) map.zeros["transformer.ln_f.bias"] = {C};
}

// GPT-2 keeps its matrices as [in, out] (a "Conv1D"), hence transposed; queries, keys and values
// are one matrix there as here.
NameMap gpt2_names(const GptOptions& o) {
  NameMap map{.family = {}, .prefix = "transformer.", .rows = {}};
  const std::string layer = "transformer.h.{}.";
  const auto add = [&](const std::string& ours, const std::string& theirs, bool transposed) {
    add_layer(map, {.ours = ours, .theirs = {theirs}, .transposed = transposed});
  };
  add_parameter(map, "token_embedding.weight", "transformer.wte.weight");
  add_parameter(map, "position.table.weight", "transformer.wpe.weight");
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
  add_zeros(map, o);
  return map;
}

}  // namespace

GptLayoutRow gpt2_layout() {
  return {.layout = GptLayout::kGpt2,
          .title = "GPT-2",
          .classes = {"GPT2LMHeadModel", "GPT2Model"},
          .built_in = [] { return GptOptions(); },
          .read = gpt2_keys<ReadKeys>,
          .write = gpt2_keys<WriteKeys>,
          .aliases = kGpt2Aliases,
          .free_options = kGpt2Free,
          .names = gpt2_names};
}

}  // namespace zoo
