// config.json of ViT and DeiT: which class of the reference it names, and reading it back.
#include "models/pretrained/vision/vit_config.h"

#include "models/pretrained/format/config_json.h"
#include "models/pretrained/format/config_keys.h"
#include "models/pretrained/format/labels.h"
#include "models/pretrained/format/stack_keys.h"
#include "models/pretrained/format/usual_stack.h"

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
  demands.expect(!is_gated(o.activation), "an activation without a gate");
  demands.expect(o.norm_place == NormPlace::kPre, "norm-place pre");
  expect_usual_stack(o, demands, {}, /*any_qkv_bias=*/true);
  demands.expect(o.patch_bias, "patch-bias");
  demands.expect(!o.embedding_norm, "no embedding-norm");
  return demands.text();
}

template <class Keys>
void shared_keys(Keys& keys, VitOptions& o) {
  keys.sides("image_size", o.image_size, o.image_width, 224);
  keys.sides("patch_size", o.patch_size, o.patch_width, 16);
  stack_keys(keys, o, {});
  dropout_keys(keys, o, 0.0);
  keys.flag("qkv_bias", o.qkv_bias, true);
}

/// The keys that carry the options; nothing else.
json vit_keys(const VitOptions& options, VitLayout layout) {
  VitOptions o = resolved(options);
  json result = {{"num_channels", o.channels}};
  if (layout == VitLayout::kZoo) return result;
  WriteKeys keys(result);
  shared_keys(keys, o);
  if (o.init_std > 0.0) result["initializer_range"] = o.init_std;
  return result;
}

/// The reverse, with the reference's defaults for keys that are missing.
VitOptions options_from_keys(const json& config, VitLayout layout) {
  VitOptions o;
  ReadKeys keys(config);
  keys.count("num_channels", o.channels, 3);
  if (layout == VitLayout::kZoo) return o;
  shared_keys(keys, o);
  keys.number("initializer_range", o.init_std, 0.02);
  keys.fixed("pooler_act", "tanh", "the zoo's pooler has");
  keys.fixed("pooler_output_size", o.d_model, "the zoo's pooler has \"hidden_size\"");
  return o;
}

/// Which heads the class has; without "architectures" there is the encoder alone.
void read_heads(const json& config, VitConfig& result) {
  const auto known = vit_architectures(result.layout);
  const auto found = read_architecture(config, known);
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
  put_class(result, name_of(config.layout), architecture_of(config), dtype);
  put_labels(complete_labels(config.labels, config.options.classes), result);
  result["zoo"] = options_to_json(resolved(config.options));
  return result;
}

VitConfig vit_config_from_json(const json& config) {
  VitConfig result;
  result.layout = read_model_type<VitLayout>(config);
  result.options = options_from_keys(config, result.layout);
  if (read_zoo_options(config, result.options, result.layout == VitLayout::kZoo))
    check_agreement(config, vit_keys(result.options, result.layout));
  const bool pooler = result.options.pooler;
  read_heads(config, result);
  if (result.layout == VitLayout::kZoo) result.options.pooler = pooler;
  if (layout_of(result.options) != result.layout)
    config_fail("model_type {} does not fit the options under \"zoo\"", name_of(result.layout));
  check(result.options);
  return result;
}

}  // namespace zoo
