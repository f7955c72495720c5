// config.json of CLIP: the two towers' keys, which class of the reference it names, reading it
// back.
#include "models/pretrained/clip/clip_config.h"

#include "models/pretrained/format/config_json.h"
#include "models/pretrained/format/config_keys.h"
#include "models/pretrained/format/stack_keys.h"
#include "models/pretrained/format/usual_stack.h"

namespace zoo {
namespace {

using nlohmann::json;

/// transformers reads a text at the largest id where this stands for the end.
constexpr int64_t kLargestIdEnds = 2;

void expect_image_tower(const ClipOptions& o, Demands& demands) {
  const VitOptions i = resolved(o.image);
  demands.expect(o.image_tower == ImageTower::kVit, "image-tower vit");
  demands.expect(i.image_size == i.image_width && i.patch_size == i.patch_width,
                 "square images and patches");
  demands.expect(i.pooling == VitPooling::kClassToken, "image-pooling class-token");
  demands.expect(i.position == GridPositionKind::kLearned, "image-position learned");
  demands.expect(!is_gated(i.activation), "an image-activation without a gate");
  demands.expect(i.norm_place == NormPlace::kPre, "image-norm-place pre");
  expect_usual_stack(i, demands, "image-");
  demands.expect(i.embedding_norm, "image-embedding-norm");
  demands.expect(!i.patch_bias, "no image-patch-bias");
}

void expect_text_tower(const ClipOptions& o, Demands& demands) {
  const GptOptions& t = o.text;
  demands.expect(t.position == PositionKind::kLearned, "text-position learned");
  demands.expect(t.norm_place == NormPlace::kPre, "text-norm-place pre");
  expect_usual_stack(t, demands, "text-");
  demands.expect(!is_gated(t.activation), "a text-activation without a gate");
  demands.expect(t.position_offset == 0, "text-position-offset 0");
  demands.expect(!t.scale_embeddings, "text-scale-embeddings false");
  demands.expect(!t.norm_embeddings, "text-norm-embeddings false");
  demands.expect(resolved(t).embedding_width == t.d_model, "text-embedding-width 0");
  demands.expect(o.end_token != kLargestIdEnds, "an end token other than 2");
}

/// What the reference's layout would need.
std::string unlike_reference(const ClipOptions& o) {
  Demands demands;
  if (o.towers != ClipTowers::kText) expect_image_tower(o, demands);
  if (o.towers != ClipTowers::kImage) expect_text_tower(o, demands);
  demands.expect(!o.has_logit_bias, "no has-logit-bias");
  return demands.text();
}

/// What both towers have.
template <class Keys, class Options>
void tower_keys(Keys& keys, Options& o, const StackDefaults& defaults) {
  stack_keys(keys, o, defaults);
  keys.number("attention_dropout", o.attention_dropout, 0.0, Null::kMeansMissing);
}

template <class Keys>
void vision_keys(Keys& keys, VitOptions& o) {
  keys.sides("image_size", o.image_size, o.image_width, 224);
  keys.sides("patch_size", o.patch_size, o.patch_width, 32);
  keys.count("num_channels", o.channels, 3);
  tower_keys(keys, o, {.activation = "quick_gelu", .norm_epsilon = 1e-5});
}

template <class Keys>
void text_keys(Keys& keys, GptOptions& o) {
  keys.count("vocab_size", o.vocab_size, 49408);
  keys.count("max_position_embeddings", o.context, 77);
  tower_keys(keys, o,
             {.d_model = 512,
              .heads = 8,
              .feed_forward = 2048,
              .activation = "quick_gelu",
              .norm_epsilon = 1e-5});
  keys.fixed("is_causal", true, {}, Null::kRefused);
}

json vision_to_json(const ClipOptions& options) {
  VitOptions o = resolved(options.image);
  json result = json::object();
  WriteKeys keys(result);
  vision_keys(keys, o);
  return result;
}

json text_to_json(const ClipOptions& options) {
  GptOptions o = resolved(options.text);
  json result = {{"eos_token_id", options.end_token < 0 ? kLargestIdEnds : options.end_token}};
  WriteKeys keys(result);
  text_keys(keys, o);
  return result;
}

void read_text(const json& config, ClipConfig& result) {
  ReadKeys keys(config);
  text_keys(keys, result.options.text);
  const auto found = config.find("eos_token_id");
  const auto end = found == config.end() ? 49407 : json_value<int64_t>(*found, "eos_token_id");
  result.options.end_token = end == kLargestIdEnds ? -1 : end;
  result.ids = special_ids(config);
}

/// The object that describes a tower: of a model with both it stands below a key. Files of old
/// versions have a second one, which then holds.
json tower_of(const json& config, ClipLayout layout, const std::string& key) {
  if (layout != ClipLayout::kClip) return config;
  for (const std::string& name : {key + "_dict", key}) {
    const auto found = config.find(name);
    if (found == config.end() || found->is_null()) continue;
    if (!found->is_object()) config_fail("\"{}\" must be an object", name);
    return *found;
  }
  return json::object();
}

ClipTowers towers_of(ClipLayout layout) {
  if (layout == ClipLayout::kText) return ClipTowers::kText;
  return layout == ClipLayout::kVision ? ClipTowers::kImage : ClipTowers::kBoth;
}

/// The keys that carry the options; nothing else.
json reference_keys(const ClipConfig& config) {
  const ClipOptions& o = config.options;
  json keys = {{"projection_dim", o.projection}};
  if (config.layout == ClipLayout::kVision) keys.update(vision_to_json(o));
  if (config.layout == ClipLayout::kText) keys.update(text_to_json(o));
  if (config.layout == ClipLayout::kZoo) {
    keys["vocab_size"] = o.text.vocab_size;
    keys["end_token"] = o.end_token;
  }
  if (config.layout != ClipLayout::kClip) return keys;
  keys["logit_scale_init_value"] = o.logit_scale;
  keys["vision_config"] = vision_to_json(o);
  keys["text_config"] = text_to_json(o);
  return keys;
}

void check_agreement_of_towers(const json& config, const ClipConfig& result) {
  json expected = reference_keys(result);
  for (const char* key : {"vision_config", "text_config"}) {
    if (!expected.contains(key)) continue;
    check_agreement(tower_of(config, result.layout, key), expected[key]);
    expected.erase(key);
  }
  check_agreement(config, expected);
}

void read_reference_keys(const json& config, ClipConfig& result) {
  ClipOptions& o = result.options;
  o.towers = towers_of(result.layout);
  ReadKeys keys(config);
  keys.count("projection_dim", o.projection, 512);
  if (result.layout == ClipLayout::kZoo) {
    o.text.vocab_size = config_count(config, "vocab_size", 1);
    o.end_token = config_value<int64_t>(config, "end_token", -1);
    result.ids = special_ids(config);
    return;
  }
  keys.number("logit_scale_init_value", o.logit_scale, 2.6592);
  if (o.towers != ClipTowers::kText) {
    const json tower = tower_of(config, result.layout, "vision_config");
    ReadKeys of_tower(tower);
    vision_keys(of_tower, o.image);
  }
  if (o.towers != ClipTowers::kImage)
    read_text(tower_of(config, result.layout, "text_config"), result);
}

}  // namespace

std::string_view clip_architecture(ClipLayout layout) {
  switch (layout) {
    case ClipLayout::kClip:
      return "CLIPModel";
    case ClipLayout::kText:
      return "CLIPTextModelWithProjection";
    case ClipLayout::kVision:
      return "CLIPVisionModelWithProjection";
    case ClipLayout::kZoo:
      break;
  }
  return "ZooClip";
}

ClipLayout layout_of(const ClipOptions& o) {
  if (!unlike_reference(o).empty()) return ClipLayout::kZoo;
  if (o.towers == ClipTowers::kText) return ClipLayout::kText;
  return o.towers == ClipTowers::kImage ? ClipLayout::kVision : ClipLayout::kClip;
}

std::string layout_note(const ClipOptions& o) {
  if (layout_of(o) != ClipLayout::kZoo) return "";
  return fmt::format(
      "checkpoints are written as model_type zoo_clip, which Python's transformers does not open: "
      "CLIP's layout would need {}",
      unlike_reference(o));
}

json clip_config_to_json(const ClipConfig& config, const std::string& dtype) {
  json result = reference_keys(config);
  put_class(result, name_of(config.layout), clip_architecture(config.layout), dtype);
  json& ids = config.layout == ClipLayout::kClip ? result["text_config"] : result;
  if (config.options.towers != ClipTowers::kImage) {
    ids["bos_token_id"] = config.ids.bos ? json(*config.ids.bos) : json();
    ids["pad_token_id"] = config.ids.pad ? json(*config.ids.pad) : json();
  }
  if (config.layout == ClipLayout::kClip) {
    for (const char* tower : {"vision_config", "text_config"})
      result[tower]["projection_dim"] = config.options.projection;
  }
  result["zoo"] = options_to_json(resolved(config.options));
  return result;
}

ClipConfig clip_config_from_json(const json& config) {
  ClipConfig result;
  result.layout = read_model_type<ClipLayout>(config);
  const std::string_view known[] = {clip_architecture(result.layout)};
  read_architecture(config, known);
  read_reference_keys(config, result);
  if (read_zoo_options(config, result.options, result.layout == ClipLayout::kZoo))
    check_agreement_of_towers(config, result);
  if (layout_of(result.options) != result.layout)
    config_fail("model_type {} does not fit the options", name_of(result.layout));
  check(result.options);
  return result;
}

}  // namespace zoo
