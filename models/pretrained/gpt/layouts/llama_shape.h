// What Llama (Touvron et al. 2023, arXiv:2302.13971) and those that follow it have in common:
// rotary positions, RMS norms, a gated feed-forward network or experts; their keys and their names.
#pragma once
#include <algorithm>
#include <string>

#include "models/pretrained/format/config_keys.h"
#include "models/pretrained/format/rope_keys.h"
#include "models/pretrained/format/stack_keys.h"
#include "models/pretrained/gpt/layouts/layouts.h"

namespace zoo {

/// Norms before each sub-layer, SwiGLU, no biases.
GptOptions llama_built_in();

/// In what a missing key means.
struct LlamaDefaults {
  int64_t vocab_size = 32000, context = 2048;
  StackDefaults stack = {.d_model = 4096, .layers = 32, .heads = 32, .feed_forward = 11008};
  double norm_epsilon = 1e-6, rotary_base = 10000.0;
};

/// What all share.
template <class Keys>
void llama_shared_keys(Keys& keys, GptOptions& o, const LlamaDefaults& d) {
  keys.count("vocab_size", o.vocab_size, d.vocab_size);
  keys.count("max_position_embeddings", o.context, d.context);
  size_keys(keys, o, d.stack);
  keys.gate("hidden_act", o.activation, "silu");
  keys.number("rms_norm_eps", o.norm_epsilon, d.norm_epsilon);
  keys.number("initializer_range", o.init_std, 0.02);
  keys.flag("tie_word_embeddings", o.tie_embeddings, false);
  rope_keys(keys, o.rotary, o.context, {.base = d.rotary_base});
  keys.fixed("is_encoder_decoder", false);
  keys.fixed("is_causal", true, {}, Null::kRefused);
}

/// Experts, whose number has this key. A model without any, which no such layout has, is written
/// as one with an expert.
template <class Keys>
void llama_expert_keys(Keys& keys, GptOptions& o, std::string_view key, int64_t experts,
                       int64_t per_token) {
  o.experts = std::max<int64_t>(o.experts, 1);
  keys.count(key, o.experts, experts);
  keys.count("num_experts_per_tok", o.experts_per_token, per_token);
}

/// The names of all, whichever of these parts a model has.
NameMap llama_names(const GptOptions& options);

/// Adds those of experts. `moe`: their module in a layer; gate, up, down: an expert's matrices.
/// Files may also hold all experts' as one, which is how Python has them in memory.
void add_llama_experts(NameMap& map, const std::string& moe, const std::string& gate,
                       const std::string& up, const std::string& down);

}  // namespace zoo
