// Qwen 2 and 3 (Yang et al. 2024 and 2025, arXiv:2407.10671, arXiv:2505.09388).
#include "models/pretrained/format/config_json.h"
#include "models/pretrained/gpt/layouts/llama_shape.h"

namespace zoo {
namespace {

constexpr LlamaDefaults kQwen = {
    .vocab_size = 151936,
    .context = 32768,
    .stack = {.d_model = 4096, .layers = 32, .heads = 32, .feed_forward = 22016}};

/// A window that "use_sliding_window" turns on; 0 without it.
template <class Keys>
void window_keys(Keys& keys, GptOptions& o) {
  bool used = o.window > 0;
  keys.flag("use_sliding_window", used, false);
  keys.count_or_null("sliding_window", o.window, 4096, 0);
  if (!used) o.window = 0;
}

/// Layers from "max_window_layers" on see a window alone, where the list does not say otherwise.
template <class Keys>
void window_layers_keys(Keys& keys, GptOptions& o) {
  window_keys(keys, o);
  constexpr int64_t kUsually = 28;
  constexpr int64_t kMany = 1'000'000;  // enough for a damaged file
  const auto layers = static_cast<size_t>(std::min(o.layers, kMany));
  int64_t global = kUsually;
  if (o.window > 0) global = static_cast<int64_t>(o.window_pattern.find('L'));
  if (global < 0) global = o.layers;
  keys.index("max_window_layers", global, kUsually);
  std::string by_number(std::min(static_cast<size_t>(global), layers), 'G');
  if (o.window > 0) by_number.resize(layers, 'L');
  if (by_number.empty()) by_number = "G";
  std::string pattern = o.window > 0 ? o.window_pattern : "G";
  keys.layer_types(pattern, o.layers, by_number);
  if (o.window == 0 && pattern.find('L') != std::string::npos)
    config_fail("\"layer_types\" has sliding_attention, but there is no \"sliding_window\" in use");
  o.window_pattern = o.window > 0 ? pattern : "L";
}

GptOptions qwen2_built_in() {
  GptOptions o = llama_built_in();
  o.attention_bias = true;
  o.out_bias = false;
  return o;
}

template <class Keys>
void qwen2_keys(Keys& keys, GptOptions& o) {
  llama_shared_keys(keys, o, kQwen);
  keys.count_or_null("num_key_value_heads", o.kv_heads, 32, o.heads);
  keys.width("head_dim", o.head_width);
  keys.number("attention_dropout", o.attention_dropout, 0.0);
  window_layers_keys(keys, o);
}

GptOptions qwen3_built_in() {
  GptOptions o = llama_built_in();
  o.qk_norm = true;
  return o;
}

template <class Keys>
void qwen3_keys(Keys& keys, GptOptions& o) {
  llama_shared_keys(keys, o, kQwen);
  keys.count_or_null("num_key_value_heads", o.kv_heads, 32, o.heads);
  keys.count("head_dim", o.head_width, 128);
  keys.flag("attention_bias", o.attention_bias, false);
  keys.number("attention_dropout", o.attention_dropout, 0.0);
  window_layers_keys(keys, o);
}

constexpr KeyAlias kQwenAliases[] = {{"num_local_experts", "num_experts"}};

template <class Keys>
void qwen3_moe_keys(Keys& keys, GptOptions& o) {
  llama_shared_keys(keys, o,
                    {.vocab_size = 151936,
                     .context = 32768,
                     .stack = {.d_model = 2048, .layers = 24, .heads = 32, .feed_forward = 6144}});
  keys.count("num_key_value_heads", o.kv_heads, 4);
  keys.width("head_dim", o.head_width);
  keys.flag("attention_bias", o.attention_bias, false);
  keys.number("attention_dropout", o.attention_dropout, 0.0);
  window_keys(keys, o);
  llama_expert_keys(keys, o, "num_experts", 128, 8);
  o.expert_width = std::max<int64_t>(o.expert_width, 1);
  keys.count("moe_intermediate_size", o.expert_width, 768);
  keys.count("decoder_sparse_step", o.expert_every, 1);
  keys.layers("mlp_only_layers", o.dense_layers, o.layers);
  keys.flag("norm_topk_prob", o.renormalise_experts, false);
}

NameMap qwen3_moe_names(const GptOptions& o) {
  NameMap map = llama_names(o);
  add_llama_experts(map, "mlp.", "gate_proj", "up_proj", "down_proj");
  return map;
}

}  // namespace

GptLayoutRow qwen2_layout() {
  return {.layout = GptLayout::kQwen2,
          .title = "Qwen 2",
          .classes = {"Qwen2ForCausalLM", "Qwen2Model"},
          .built_in = qwen2_built_in,
          .read = qwen2_keys<ReadKeys>,
          .write = qwen2_keys<WriteKeys>,
          .layer_types = LayerTypes::kRead,
          .names = llama_names};
}

GptLayoutRow qwen3_layout() {
  return {.layout = GptLayout::kQwen3,
          .title = "Qwen 3",
          .classes = {"Qwen3ForCausalLM", "Qwen3Model"},
          .built_in = qwen3_built_in,
          .read = qwen3_keys<ReadKeys>,
          .write = qwen3_keys<WriteKeys>,
          .layer_types = LayerTypes::kRead,
          .names = llama_names};
}

GptLayoutRow qwen3_moe_layout() {
  return {.layout = GptLayout::kQwen3Moe,
          .title = "Qwen 3 MoE",
          .classes = {"Qwen3MoeForCausalLM", "Qwen3MoeModel"},
          .built_in = qwen3_built_in,
          .read = qwen3_moe_keys<ReadKeys>,
          .write = qwen3_moe_keys<WriteKeys>,
          .aliases = kQwenAliases,
          .names = qwen3_moe_names};
}

}  // namespace zoo
