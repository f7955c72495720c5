// Published and classroom sizes of GPT. Each cites the table it follows.
#include <utility>

#include "base/option_checks.h"
#include "models/gpt/gpt.h"

namespace zoo {
namespace {

// Radford et al. 2019, Table 2; context and vocabulary of §2.3.
GptOptions gpt2_sized(int64_t layers, int64_t d_model, int64_t heads) {
  GptOptions o;
  o.vocab_size = 50257;
  o.context = 1024;
  o.layers = layers;
  o.d_model = d_model;
  o.heads = heads;
  o.activation = Activation::kGeluTanh;
  o.embedding_dropout = o.attention_dropout = o.residual_dropout = 0.1;
  return o;
}

// Touvron et al. 2023, §2.2: RMS norm before each sub-layer, SwiGLU, rotary positions, no biases.
GptOptions llama_shaped() {
  GptOptions o;
  o.activation = Activation::kSwiglu;
  o.position = PositionKind::kRotary;
  o.norm = NormKind::kRms;
  o.norm_bias = o.attention_bias = o.feed_forward_bias = false;
  o.tie_embeddings = false;
  return o;
}

}  // namespace

GptOptions GptOptions::tiny() { return {}; }
GptOptions GptOptions::gpt2() { return gpt2_sized(12, 768, 12); }
GptOptions GptOptions::gpt2_medium() { return gpt2_sized(24, 1024, 16); }
GptOptions GptOptions::gpt2_large() { return gpt2_sized(36, 1280, 20); }
GptOptions GptOptions::gpt2_xl() { return gpt2_sized(48, 1600, 25); }

GptOptions GptOptions::llama_tiny() {
  GptOptions o = llama_shaped();
  o.kv_heads = 2;
  o.feed_forward =
      344;  // 8/3 C, rounded up to a multiple of 8: as many weights as 4 C without the gate
  o.tie_embeddings = true;
  return o;
}

GptOptions GptOptions::llama_7b() {
  GptOptions o = llama_shaped();
  o.vocab_size = 32000;
  o.context = 2048;
  o.layers = 32;
  o.d_model = 4096;
  o.heads = 32;
  o.feed_forward = 11008;
  o.norm_epsilon = 1e-6;
  return o;
}

GptOptions GptOptions::llama3_8b() {
  GptOptions o = llama_7b();
  o.vocab_size = 128256;
  o.context = 8192;
  o.kv_heads = 8;
  o.feed_forward = 14336;
  o.norm_epsilon = 1e-5;
  o.rotary.base = 500000.0;
  return o;
}

GptOptions GptOptions::preset(std::string_view name) {
  static const std::pair<std::string_view, GptOptions (*)()> presets[] = {
      {"tiny", &GptOptions::tiny},         {"gpt2", &GptOptions::gpt2},
      {"gpt2-medium", &gpt2_medium},       {"gpt2-large", &gpt2_large},
      {"gpt2-xl", &GptOptions::gpt2_xl},   {"llama-tiny", &GptOptions::llama_tiny},
      {"llama-7b", &GptOptions::llama_7b}, {"llama3-8b", &GptOptions::llama3_8b}};
  return find_preset(presets, name);
}

}  // namespace zoo
