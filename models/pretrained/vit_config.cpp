// config.json of ViT and DeiT: which class of the reference it names, and reading it back.
#include "models/pretrained/vit_config.h"

#include <tuple>

#include "models/pretrained/config_json.h"
#include "models/pretrained/image_keys.h"
#include "models/pretrained/labels.h"

namespace zoo {
namespace {

using nlohmann::json;

constexpr std::string_view kVitClasses[] = {"ViTForImageClassification", "ViTModel"};
constexpr std::string_view kDeitClasses[] = {"DeiTForImageClassificationWithTeacher",
                                             "DeiTForImageClassification", "DeiTModel"};
constexpr std::string_view kZooClasses[] = {"ZooVit"};

std::string_view architecture_of(const VitConfig& config) {
  const VitOptions& o = config.options;
  if (config.layout == VitLayout::kZoo) return kZooClasses[0];
  if (config.layout == VitLayout::kVit) return kVitClasses[o.classes > 0 ? 0 : 1];
  if (o.classes == 0) return kDeitClasses[2];
  return kDeitClasses[o.distillation == Distillation::kHead ? 0 : 1];
}

/// What the reference's layouts would need.
std::string unlike_reference(const VitOptions& o) {
  Demands demands;
  demands.expect(o.pooling == VitPooling::kClassToken, "pooling class-token");
  demands.expect(o.position == GridPositionKind::kLearned, "position learned");
  demands.expect(o.activation != Activation::kSwiglu, "an activation other than swiglu");
  demands.expect(o.layer_scale == 0.0, "layer-scale 0");
  demands.expect(o.patch_bias, "patch-bias");
  demands.expect(!o.embedding_norm, "no embedding-norm");
  return demands.text();
}

/// The keys that carry the options; nothing else.
json vit_keys(const VitOptions& options, VitLayout layout) {
  const VitOptions o = resolved(options);
  json keys = {{"num_channels", o.channels}};
  if (layout == VitLayout::kZoo) return keys;
  keys.update({{"image_size", sides_to_json(o.image_size, o.image_width)},
               {"patch_size", sides_to_json(o.patch_size, o.patch_width)},
               {"hidden_size", o.d_model},
               {"num_hidden_layers", o.layers},
               {"num_attention_heads", o.heads},
               {"intermediate_size", o.feed_forward},
               {"hidden_act", reference_activation(o.activation)},
               {"hidden_dropout_prob", o.dropout},
               {"attention_probs_dropout_prob", o.attention_dropout},
               {"layer_norm_eps", o.norm_epsilon},
               {"qkv_bias", o.qkv_bias}});
  if (o.init_std > 0.0) keys["initializer_range"] = o.init_std;
  return keys;
}

/// The reverse, with the reference's defaults for keys that are missing.
VitOptions options_from_keys(const json& config, VitLayout layout) {
  VitOptions o;
  o.channels = config_count(config, "num_channels", 3);
  if (layout == VitLayout::kZoo) return o;
  std::tie(o.image_size, o.image_width) = config_sides(config, "image_size", 224);
  std::tie(o.patch_size, o.patch_width) = config_sides(config, "patch_size", 16);
  o.d_model = config_count(config, "hidden_size", 768);
  o.layers = config_count(config, "num_hidden_layers", 12);
  o.heads = config_count(config, "num_attention_heads", 12);
  o.feed_forward = config_count(config, "intermediate_size", 3072);
  o.activation =
      activation_of(config_value<std::string>(config, "hidden_act", "gelu"), "hidden_act");
  o.dropout = config_value(config, "hidden_dropout_prob", 0.0);
  o.attention_dropout = config_value(config, "attention_probs_dropout_prob", 0.0);
  o.norm_epsilon = config_value(config, "layer_norm_eps", 1e-12);
  o.init_std = config_value(config, "initializer_range", 0.02);
  o.qkv_bias = config_value(config, "qkv_bias", true);
  const auto act = config_value<std::string>(config, "pooler_act", "tanh");
  if (act != "tanh")
    config_fail("pooler_act \"{}\" is not supported; known is tanh", act.substr(0, 60));
  if (config_count(config, "pooler_output_size", o.d_model) != o.d_model)
    config_fail("\"pooler_output_size\" must be \"hidden_size\" {}", o.d_model);
  return o;
}

/// Which heads the class has; without "architectures" there is the encoder alone.
void read_heads(const json& config, VitConfig& result) {
  const auto known = vit_architectures(result.layout);
  const auto found = read_architecture(config, known, name_of(result.layout));
  const std::string_view name = found ? known[*found] : known.back();
  VitOptions& o = result.options;
  o.classes = 0;
  o.pooler = false;
  if (!name.ends_with("Model") &&
      (result.layout != VitLayout::kZoo || config.contains("id2label"))) {
    result.labels = labels_of(config);
    o.classes = std::ssize(result.labels);
  }
  if (result.layout == VitLayout::kDeit)
    o.distillation = name.ends_with("WithTeacher") ? Distillation::kHead : Distillation::kToken;
}

}  // namespace

VitLayout layout_of(const VitOptions& o) {
  if (!unlike_reference(o).empty()) return VitLayout::kZoo;
  return o.distillation == Distillation::kNone ? VitLayout::kVit : VitLayout::kDeit;
}

std::string layout_note(const VitOptions& o) {
  if (layout_of(o) != VitLayout::kZoo) return "";
  return fmt::format(
      "checkpoints are written as model_type zoo_vit, which Python's transformers does not open: "
      "ViT's layout would need {}",
      unlike_reference(o));
}

std::span<const std::string_view> vit_architectures(VitLayout layout) {
  if (layout == VitLayout::kVit) return kVitClasses;
  if (layout == VitLayout::kDeit) return kDeitClasses;
  return kZooClasses;
}

json vit_config_to_json(const VitConfig& config, const std::string& dtype) {
  json result = vit_keys(config.options, config.layout);
  result["model_type"] = name_of(config.layout);
  result["architectures"] = {architecture_of(config)};
  result["dtype"] = dtype;
  put_labels(config.labels, result);
  result["zoo"] = options_to_json(resolved(config.options));
  return result;
}

VitConfig vit_config_from_json(const json& config) {
  VitConfig result;
  result.layout = read_model_type<VitLayout>(config);
  result.options = options_from_keys(config, result.layout);
  if (const auto zoo = config.find("zoo"); zoo != config.end()) {
    options_from_json(*zoo, result.options);
    check_size_range(result.options);
    check_agreement(config, vit_keys(result.options, result.layout));
  } else if (result.layout == VitLayout::kZoo) {
    config_fail("model_type zoo_vit needs the options under \"zoo\"");
  }
  const bool pooler = result.options.pooler;
  read_heads(config, result);
  if (result.layout == VitLayout::kZoo) result.options.pooler = pooler;
  if (layout_of(result.options) != result.layout)
    config_fail("model_type {} does not fit the options under \"zoo\"", name_of(result.layout));
  check(result.options);
  return result;
}

VitConfig read_vit_config(const std::filesystem::path& folder) {
  VitConfig result;
  read_config(folder, [&](const json& config) { result = vit_config_from_json(config); });
  return result;
}

}  // namespace zoo
