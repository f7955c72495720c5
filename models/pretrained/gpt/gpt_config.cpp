// config.json of a decoder-only model: which layout fits which options, and reading it back.
#include "models/pretrained/gpt/gpt_config.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <stdexcept>
#include <string_view>
#include <vector>

#include "models/pretrained/format/config_json.h"
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
  demands.expect(o.activation != Activation::kSwiglu, "activation gelu, gelu-tanh, silu or relu");
  demands.expect(o.kv_heads == o.heads, "kv-heads as heads");
  demands.expect(o.head_width * o.heads == o.d_model, "head-width d-model / heads");
  demands.expect(!o.scale_embeddings, "scale-embeddings false");
  demands.expect(o.layer_scale == 0.0, "layer-scale 0");
  demands.expect(o.qkv_bias || !o.attention_bias, "qkv-bias true");
  return demands.text();
}

std::string unlike_llama(const GptOptions& o) {
  Demands demands;
  demands.expect(o.position == PositionKind::kRotary, "position rotary");
  demands.expect(o.norm == NormKind::kRms, "norm rms");
  demands.expect(o.norm_place == NormPlace::kPre, "norm-place pre");
  demands.expect(o.activation == Activation::kSwiglu, "activation swiglu");
  demands.expect(!o.scale_embeddings, "scale-embeddings false");
  demands.expect(o.scale_attention, "scale-attention true");
  demands.expect(!o.scale_by_layer, "scale-by-layer false");
  demands.expect(o.layer_scale == 0.0, "layer-scale 0");
  demands.expect(o.qkv_bias || !o.attention_bias, "qkv-bias true");
  return demands.text();
}

/// With output layer, and without where the reference has such a class.
std::vector<std::string_view> architectures_of(GptLayout layout) {
  switch (layout) {
    case GptLayout::kGpt2:
      return {"GPT2LMHeadModel", "GPT2Model"};
    case GptLayout::kLlama:
      return {"LlamaForCausalLM", "LlamaModel"};
    case GptLayout::kZoo:
      return {"ZooGpt"};
  }
  throw std::invalid_argument("unknown GPT layout");
}

/// Whether there is an output layer: architectures[0] decides.
bool has_head(const json& config, GptLayout layout) {
  return read_architecture(config, architectures_of(layout), name_of(layout)).value_or(0) == 0;
}

/// Sizes that "zoo" brought; the reference's keys were checked when read.
void check_sizes(const GptOptions& o) {
  for (const int64_t size : {o.context, o.layers, o.d_model, o.heads}) {
    if (size < 1 || size > INT32_MAX) config_fail("\"zoo\": a size must be positive, got {}", size);
  }
  for (const int64_t size : {o.kv_heads, o.head_width, o.feed_forward}) {
    if (size < 0 || size > INT32_MAX)
      config_fail("\"zoo\": a size must not be negative, got {}", size);
  }
}

}  // namespace

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
  result["model_type"] = name_of(config.layout);
  result["architectures"] = {architectures_of(config.layout).front()};
  result["dtype"] = dtype;
  put_special_ids(config.ids, result);
  result["zoo"] = options_to_json(config.options);
  return result;
}

GptConfig gpt_config_from_json(const json& config) {
  GptConfig result;
  result.layout = read_model_type<GptLayout>(config);
  result.has_head = has_head(config, result.layout);
  result.ids = special_ids(config);
  result.options = options_from_reference_keys(config, result.layout);
  if (const auto zoo = config.find("zoo"); zoo != config.end()) {
    options_from_json(*zoo, result.options);
    check_sizes(result.options);
    check_agreement(config, reference_keys(result));
  } else if (result.layout == GptLayout::kZoo) {
    config_fail("model_type zoo_gpt needs the options under \"zoo\"");
  }
  return result;
}

GptConfig read_gpt_config(const std::filesystem::path& folder) {
  GptConfig result;
  read_config(folder, [&](const json& config) { result = gpt_config_from_json(config); });
  return result;
}

}  // namespace zoo
