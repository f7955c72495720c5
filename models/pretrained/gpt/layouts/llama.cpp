// Llama, Mistral and Mixtral (Jiang et al. 2023 and 2024, arXiv:2310.06825, arXiv:2401.04088).
#include "models/pretrained/gpt/layouts/llama_shape.h"

namespace zoo {
namespace {

template <class Keys>
void llama_keys(Keys& keys, GptOptions& o) {
  llama_shared_keys(keys, o, {});
  keys.count("num_key_value_heads", o.kv_heads, o.heads, Null::kMeansMissing);
  keys.width("head_dim", o.head_width, Null::kMeansMissing);
  keys.flag("attention_bias", o.attention_bias, false);
  keys.flag("mlp_bias", o.feed_forward_bias, false);
  keys.number("attention_dropout", o.attention_dropout, 0.0, Null::kMeansMissing);
}

template <class Keys>
void mistral_keys(Keys& keys, GptOptions& o) {
  llama_shared_keys(keys, o,
                    {.context = 131072,
                     .stack = {.d_model = 4096, .layers = 32, .heads = 32, .feed_forward = 14336}});
  keys.count("num_key_value_heads", o.kv_heads, 8);
  keys.width("head_dim", o.head_width, Null::kMeansMissing);
  keys.count_or_null("sliding_window", o.window, 4096, 0);
  keys.number("attention_dropout", o.attention_dropout, 0.0);
}

constexpr KeyAlias kMixtralAliases[] = {{"num_experts", "num_local_experts"}};

template <class Keys>
void mixtral_keys(Keys& keys, GptOptions& o) {
  if (o.expert_width > 0) o.feed_forward = o.expert_width;  // it has no other
  llama_shared_keys(keys, o,
                    {.context = 131072,
                     .stack = {.d_model = 4096, .layers = 32, .heads = 32, .feed_forward = 14336},
                     .norm_epsilon = 1e-5,
                     .rotary_base = 1e6});
  keys.count("num_key_value_heads", o.kv_heads, 8);
  keys.width("head_dim", o.head_width, Null::kMeansMissing);
  keys.count_or_null("sliding_window", o.window, 0, 0);
  keys.number("attention_dropout", o.attention_dropout, 0.0);
  llama_expert_keys(keys, o, "num_local_experts", 8, 2);
}

NameMap mixtral_names(const GptOptions& o) {
  NameMap map = llama_names(o);
  add_llama_experts(map, "block_sparse_moe.", "w1", "w3", "w2");
  map.synonyms = {
      {"model.layers.{}.mlp.gate.weight", "model.layers.{}.block_sparse_moe.gate.weight"}};
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

GptLayoutRow mistral_layout() {
  return {.layout = GptLayout::kMistral,
          .title = "Mistral",
          .classes = {"MistralForCausalLM", "MistralModel"},
          .built_in = llama_built_in,
          .read = mistral_keys<ReadKeys>,
          .write = mistral_keys<WriteKeys>,
          .names = llama_names};
}

GptLayoutRow mixtral_layout() {
  return {.layout = GptLayout::kMixtral,
          .title = "Mixtral",
          .classes = {"MixtralForCausalLM", "MixtralModel"},
          .built_in = llama_built_in,
          .read = mixtral_keys<ReadKeys>,
          .write = mixtral_keys<WriteKeys>,
          .aliases = kMixtralAliases,
          .names = mixtral_names};
}

}  // namespace zoo
