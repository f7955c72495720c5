// config.json of ViT, DeiT and DINOv2: which class of the reference it names, and reading it back.
#include "models/pretrained/vision/vit_config.h"

#include "models/pretrained/format/config_json.h"
#include "models/pretrained/format/config_keys.h"
#include "models/pretrained/format/labels.h"
#include "models/pretrained/format/stack_keys.h"
#include "models/pretrained/format/usual_stack.h"

namespace zoo {
namespace {

using nlohmann::json;

constexpr int64_t kMostRatio = 1 << 10;

constexpr std::string_view kVitClasses[] = {"ViTForImageClassification", "ViTModel"};
constexpr std::string_view kDeitClasses[] = {"DeiTForImageClassificationWithTeacher",
                                             "DeiTForImageClassification", "DeiTModel"};
constexpr std::string_view kDinov2Classes[] = {"Dinov2ForImageClassification", "Dinov2Model"};
constexpr std::string_view kZooClasses[] = {"ZooVit"};

std::string_view architecture_of(const VitConfig& config) {
  const VitOptions& o = config.options;
  if (config.layout == VitLayout::kZoo) return kZooClasses[0];
  if (config.layout == VitLayout::kVit) return kVitClasses[o.classes > 0 ? 0 : 1];
  if (config.layout == VitLayout::kDinov2) return kDinov2Classes[o.classes > 0 ? 0 : 1];
  if (o.classes == 0) return kDeitClasses[2];
  return kDeitClasses[o.distillation == Distillation::kHead ? 0 : 1];
}

/// The width of DINOv2's gated network (Oquab et al. 2023, appendix B.3): two thirds of ratio C, in
/// eights.
int64_t gated_width(int64_t d_model, int64_t ratio) {
  const auto two_thirds = static_cast<int64_t>(static_cast<double>(d_model * ratio) * 2 / 3);
  return (two_thirds + 7) / 8 * 8;
}

/// "mlp_ratio", which gives F of these options; 0: none does.
int64_t mlp_ratio(const VitOptions& options) {
  const VitOptions o = resolved(options);
  if (!is_gated(o.activation))
    return o.feed_forward % o.d_model == 0 ? o.feed_forward / o.d_model : 0;
  for (int64_t ratio = 1; gated_width(o.d_model, ratio) <= o.feed_forward; ++ratio)
    if (gated_width(o.d_model, ratio) == o.feed_forward) return ratio;
  return 0;
}

void expect_dinov2(const VitOptions& o, Demands& demands) {
  // Without classes it is its class token that an image is read by.
  const auto pooling = o.classes > 0 ? VitPooling::kClassTokenAndMean : VitPooling::kClassToken;
  demands.expect(o.pooling == pooling, fmt::format("pooling {}", name_of(pooling)));
  demands.expect(o.layer_scale > 0.0, "a layer-scale");
  demands.expect(!is_gated(o.activation) || o.activation == Activation::kSwiglu,
                 "no other gate than swiglu");
  demands.expect(mlp_ratio(o) > 0, "a feed-forward that is a multiple of d-model");
  demands.expect(grid_of(o).rows == grid_of(o).columns, "as many rows as columns of patches");
  demands.expect(o.distillation == Distillation::kNone, "no distillation");
  demands.expect(!o.pooler, "no pooler");
}

void expect_vit(const VitOptions& o, Demands& demands) {
  demands.expect(o.pooling == VitPooling::kClassToken, "pooling class-token");
  demands.expect(!is_gated(o.activation), "an activation without a gate");
  demands.expect(!o.mask_token, "no mask-token");
}

/// What a layout would need; of ViT and DeiT what both do.
std::string unlike(VitLayout layout, const VitOptions& o) {
  Demands demands;
  StackOptions stack = o;
  if (layout == VitLayout::kDinov2) {
    expect_dinov2(o, demands);
    stack.layer_scale = 0.0;
  } else {
    expect_vit(o, demands);
  }
  demands.expect(o.position == GridPositionKind::kLearned, "position learned");
  demands.expect(o.norm_place == NormPlace::kPre, "norm-place pre");
  expect_usual_stack(stack, demands, {}, /*any_qkv_bias=*/true);
  demands.expect(o.patch_bias, "patch-bias");
  demands.expect(!o.embedding_norm, "no embedding-norm");
  return demands.text();
}

template <class Keys>
void shared_keys(Keys& keys, VitOptions& o, VitLayout layout) {
  keys.sides("image_size", o.image_size, o.image_width, 224);
  keys.sides("patch_size", o.patch_size, o.patch_width, layout == VitLayout::kDinov2 ? 14 : 16);
  dropout_keys(keys, o, 0.0);
  keys.flag("qkv_bias", o.qkv_bias, true);
}

/// `ratio` and the gate make up the width of the feed-forward network.
template <class Keys>
void dinov2_keys(Keys& keys, VitOptions& o, int64_t& ratio, bool& gated) {
  size_keys(keys, o, {}, {.feed_forward = ""});
  keys.number("layer_norm_eps", o.norm_epsilon, 1e-6);
  keys.count("mlp_ratio", ratio, 4);
  keys.flag("use_swiglu_ffn", gated, false);
  keys.number("layerscale_value", o.layer_scale, 1.0);
  keys.number("drop_path_rate", o.drop_path, 0.0);
  keys.flag("use_mask_token", o.mask_token, true);
}

/// The keys that carry the options; nothing else.
json vit_keys(const VitOptions& options, VitLayout layout) {
  VitOptions o = resolved(options);
  json result = {{"num_channels", o.channels}};
  if (layout == VitLayout::kZoo) return result;
  WriteKeys keys(result);
  shared_keys(keys, o, layout);
  if (layout == VitLayout::kDinov2) {
    int64_t ratio = mlp_ratio(o);
    bool gated = is_gated(o.activation);
    dinov2_keys(keys, o, ratio, gated);
    if (!gated) keys.activation("hidden_act", o.activation, "gelu");
  } else {
    stack_keys(keys, o, {});
  }
  if (o.init_std > 0.0) result["initializer_range"] = o.init_std;
  return result;
}

void read_dinov2(ReadKeys& keys, VitOptions& o) {
  int64_t ratio = 0;
  bool gated = false;
  dinov2_keys(keys, o, ratio, gated);
  keys.activation("hidden_act", o.activation, "gelu");
  if (gated) o.activation = Activation::kSwiglu;
  if (ratio > kMostRatio)
    config_fail("\"mlp_ratio\" must be at most {}, got {}", kMostRatio, ratio);
  o.feed_forward = gated ? gated_width(o.d_model, ratio) : o.d_model * ratio;
  // The first value of what the file has.
  if (o.layer_scale <= 0.0) o.layer_scale = 1.0;
  const Grid grid = grid_of(o);
  if (grid.rows != grid.columns) {
    config_fail(
        "\"image_size\" and \"patch_size\" make {} rows and {} columns of patches, but dinov2 "
        "has as many of both",
        grid.rows, grid.columns);
  }
  keys.fixed("head_dim", o.d_model / o.heads, "the zoo's layout has \"hidden_size\" / heads:");
}

/// The reverse, with the reference's defaults for keys that are missing.
VitOptions options_from_keys(const json& config, VitLayout layout) {
  VitOptions o;
  ReadKeys keys(config);
  keys.count("num_channels", o.channels, 3);
  if (layout == VitLayout::kZoo) return o;
  shared_keys(keys, o, layout);
  keys.number("initializer_range", o.init_std, 0.02);
  if (layout == VitLayout::kDinov2) {
    read_dinov2(keys, o);
    return o;
  }
  stack_keys(keys, o, {});
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
  if (result.layout == VitLayout::kDinov2 && o.classes > 0)
    o.pooling = VitPooling::kClassTokenAndMean;
  if (result.layout == VitLayout::kDeit)
    o.distillation = name.ends_with("WithTeacher") ? Distillation::kHead : Distillation::kToken;
}

}  // namespace

VitLayout layout_of(const VitOptions& o) {
  if (unlike(VitLayout::kDinov2, o).empty()) return VitLayout::kDinov2;
  if (!unlike(VitLayout::kVit, o).empty()) return VitLayout::kZoo;
  return o.distillation == Distillation::kNone ? VitLayout::kVit : VitLayout::kDeit;
}

std::string layout_note(const VitOptions& o) {
  if (layout_of(o) != VitLayout::kZoo) return "";
  return fmt::format(
      "checkpoints are written as model_type zoo_vit, which Python's transformers does not open: "
      "ViT's layout would need {}; DINOv2's would need {}",
      unlike(VitLayout::kVit, o), unlike(VitLayout::kDinov2, o));
}

std::span<const std::string_view> vit_architectures(VitLayout layout) {
  if (layout == VitLayout::kVit) return kVitClasses;
  if (layout == VitLayout::kDeit) return kDeitClasses;
  if (layout == VitLayout::kDinov2) return kDinov2Classes;
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
