// config.json of a decoder-only model: which layout fits which options, and reading it back.
#include "models/pretrained/gpt/gpt_config.h"

#include <fmt/format.h>

#include "models/pretrained/format/config_json.h"
#include "models/pretrained/format/rope_keys.h"
#include "models/pretrained/gpt/gpt_config_keys.h"

namespace zoo {
namespace {

using nlohmann::json;

/// What keeps a model out of GPT-2's layout. Missing biases do not: zeros say the same.
std::string unlike_gpt2(const GptOptions& options) {
  const GptOptions o = resolved(options);
  Demands demands;
  demands.expect(o.position == PositionKind::kLearned, "position learned");
  demands.expect(o.norm == NormKind::kLayer, "norm layer");
  demands.expect(o.norm_place == NormPlace::kPre, "norm-place pre");
  demands.expect(!is_gated(o.activation), "activation gelu, gelu-tanh, silu or relu");
  demands.expect(o.kv_heads == o.heads, "kv-heads as heads");
  demands.expect(o.head_width * o.heads == o.d_model, "head-width d-model / heads");
  demands.expect(!o.scale_embeddings, "scale-embeddings false");
  demands.expect(o.layer_scale == 0.0, "layer-scale 0");
  demands.expect(!o.qk_norm, "qk-norm false");
  demands.expect(o.window == 0, "window 0");
  demands.expect(o.experts == 0, "experts 0");
  demands.expect(o.parallel == ParallelBranches::kNone, "parallel none");
  demands.expect(o.qkv_bias || !o.attention_bias, "qkv-bias true");
  return demands.text();
}

std::string unlike_llama(const GptOptions& o) {
  Demands demands;
  demands.expect(o.position == PositionKind::kRotary, "position rotary");
  demands.expect(o.rotary.share == 1.0, "rotary-share 1");
  const auto rope = unlike_rope_parameters(o.rotary, o.context);
  demands.expect(rope.empty(), rope);
  demands.expect(o.norm == NormKind::kRms, "norm rms");
  demands.expect(o.norm_place == NormPlace::kPre, "norm-place pre");
  demands.expect(o.activation == Activation::kSwiglu, "activation swiglu");
  demands.expect(!o.scale_embeddings, "scale-embeddings false");
  demands.expect(o.scale_attention, "scale-attention true");
  demands.expect(!o.scale_by_layer, "scale-by-layer false");
  demands.expect(o.layer_scale == 0.0, "layer-scale 0");
  demands.expect(!o.qk_norm, "qk-norm false");
  demands.expect(o.window == 0, "window 0");
  demands.expect(o.experts == 0, "experts 0");
  demands.expect(o.parallel == ParallelBranches::kNone, "parallel none");
  demands.expect(o.qkv_bias || !o.attention_bias, "qkv-bias true");
  return demands.text();
}

}  // namespace

std::span<const std::string_view> gpt_architectures(GptLayout layout) {
  static constexpr std::string_view kGpt2[] = {"GPT2LMHeadModel", "GPT2Model"};
  static constexpr std::string_view kLlama[] = {"LlamaForCausalLM", "LlamaModel"};
  static constexpr std::string_view kZoo[] = {"ZooGpt"};
  switch (layout) {
    case GptLayout::kGpt2:
      return kGpt2;
    case GptLayout::kLlama:
      return kLlama;
    case GptLayout::kZoo:
      break;
  }
  return kZoo;
}

GptLayout layout_of(const GptOptions& options) {
  if (unlike_gpt2(options).empty()) return GptLayout::kGpt2;
  if (unlike_llama(options).empty()) return GptLayout::kLlama;
  return GptLayout::kZoo;
}

std::string layout_note(const GptOptions& options) {
  if (layout_of(options) != GptLayout::kZoo) return "";
  return fmt::format(
      "checkpoints are written as model_type zoo_gpt, which Python's transformers does not open: "
      "GPT-2's layout would need {}; Llama's would need {}",
      unlike_gpt2(options), unlike_llama(options));
}

json gpt_config_to_json(const GptConfig& config, const std::string& dtype) {
  json result = reference_keys(config);
  put_class(result, name_of(config.layout), gpt_architectures(config.layout).front(), dtype);
  put_special_ids(config.ids, result);
  result["zoo"] = options_to_json(config.options);
  return result;
}

GptConfig gpt_config_from_json(const json& config) {
  GptConfig result;
  result.layout = read_model_type<GptLayout>(config);
  result.has_head = names_first_class(config, gpt_architectures(result.layout));
  result.ids = special_ids(config);
  result.options = options_from_reference_keys(config, result.layout);
  if (read_zoo_options(config, result.options, result.layout == GptLayout::kZoo)) {
    check(result.options);
    check_agreement(config, reference_keys(result));
  }
  return result;
}

}  // namespace zoo
