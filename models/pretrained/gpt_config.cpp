// config.json of a decoder-only model: which layout fits which options, and reading it back.
#include "models/pretrained/gpt_config.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <stdexcept>

#include "app/files.h"
#include "models/pretrained/config_values.h"
#include "models/pretrained/gpt_config_keys.h"
#include "models/pretrained/options_json.h"

namespace zoo {
namespace {

using nlohmann::json;

using detail::fail;

/// "a, b and c", collected while conditions are checked.
class Demands {
 public:
  void expect(bool holds, std::string_view demand) {
    if (holds) return;
    text_ += text_.empty() ? "" : ", ";
    text_ += demand;
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// What keeps a model out of GPT-2's layout. Missing biases do not: zeros say the same.
std::string unlike_gpt2(const GptOptions& options) {
  const GptOptions o = resolved(options);
  Demands demands;
  demands.expect(o.position == PositionKind::kLearned, "position learned");
  demands.expect(o.norm == NormKind::kLayer, "norm layer");
  demands.expect(o.norm_place == NormPlace::kPre, "norm-place pre");
  demands.expect(o.activation != Activation::kSwiglu, "activation gelu, gelu-tanh or relu");
  demands.expect(o.kv_heads == o.heads, "kv-heads as heads");
  demands.expect(o.head_width * o.heads == o.d_model, "head-width d-model / heads");
  demands.expect(!o.scale_embeddings, "scale-embeddings false");
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
  return demands.text();
}

GptLayout layout_from_json(const json& config) {
  const auto type = config.find("model_type");
  if (type == config.end()) fail("no \"model_type\": not a checkpoint's config.json");
  const auto name = json_value<std::string>(*type, "model_type");
  for (const auto& [layout, known] : EnumNames<GptLayout>::values) {
    if (name == known) return layout;
  }
  fail("a checkpoint of another family (model_type \"{}\"); this program reads {}",
       name.substr(0, 60), known_names<GptLayout>());
}

struct Architectures {
  std::string_view with_head, without_head;
};
Architectures architectures_of(GptLayout layout) {
  switch (layout) {
    case GptLayout::kGpt2:
      return {"GPT2LMHeadModel", "GPT2Model"};
    case GptLayout::kLlama:
      return {"LlamaForCausalLM", "LlamaModel"};
    case GptLayout::kZoo:
      return {"ZooGpt", ""};
  }
  throw std::invalid_argument("unknown GPT layout");
}

/// Whether the checkpoint has an output layer: architectures[0] decides, as in the reference.
bool has_head(const json& config, GptLayout layout) {
  const auto found = config.find("architectures");
  if (found == config.end() || found->is_null() || found->empty()) return true;
  if (!found->is_array()) fail("\"architectures\" must be a list");
  const auto name = json_value<std::string>((*found)[0], "architectures");
  const auto [with_head, without_head] = architectures_of(layout);
  if (name == with_head) return true;
  if (name == without_head) return false;
  fail("architecture \"{}\" is not supported; of model_type {} the zoo has {}{}{}",
       name.substr(0, 60), name_of(layout), with_head, without_head.empty() ? "" : " and ",
       without_head);
}

/// Sizes that "zoo" brought; the reference's keys were checked when read.
void check_sizes(const GptOptions& o) {
  for (const int64_t size : {o.context, o.layers, o.d_model, o.heads}) {
    if (size < 1 || size > INT32_MAX) fail("\"zoo\": a size must be positive, got {}", size);
  }
  for (const int64_t size : {o.kv_heads, o.head_width, o.feed_forward}) {
    if (size < 0 || size > INT32_MAX) fail("\"zoo\": a size must not be negative, got {}", size);
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
  result["architectures"] = {architectures_of(config.layout).with_head};
  result["dtype"] = dtype;
  // Null where there is none: left out, the reference would put the ids of its own vocabulary.
  const auto& ids = config.ids;
  result["bos_token_id"] = ids.bos ? json(*ids.bos) : json();
  result["pad_token_id"] = ids.pad ? json(*ids.pad) : json();
  result["eos_token_id"] = ids.eos.empty()       ? json()
                           : ids.eos.size() == 1 ? json(ids.eos.front())
                                                 : json(ids.eos);
  result["zoo"] = options_to_json(config.options);
  return result;
}

GptConfig gpt_config_from_json(const json& config) {
  if (!config.is_object()) fail("not a JSON object");
  GptConfig result;
  result.layout = layout_from_json(config);
  result.has_head = has_head(config, result.layout);
  result.ids = special_ids(config);
  result.options = options_from_reference_keys(config, result.layout);
  if (const auto zoo = config.find("zoo"); zoo != config.end()) {
    options_from_json(*zoo, result.options);
    check_sizes(result.options);
    detail::check_agreement(config, reference_keys(result));
  } else if (result.layout == GptLayout::kZoo) {
    fail("model_type zoo_gpt needs the options under \"zoo\"");
  }
  return result;
}

GptConfig read_gpt_config(const std::filesystem::path& folder) {
  const auto path = folder / "config.json";
  const auto config = json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
  if (config.is_discarded()) fail("{}: not JSON", path.string());
  try {
    return gpt_config_from_json(config);
  } catch (const c10::Error& error) {  // sizes that contradict each other
    fail("{}: {}", path.string(), error.what_without_backtrace());
  } catch (const std::exception& error) {
    fail("{}: {}", path.string(), error.what());
  }
}

}  // namespace zoo
