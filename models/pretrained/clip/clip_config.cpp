// config.json of CLIP and SigLIP: the two towers' keys, which class of the reference it names,
// reading it back.
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

void expect_image_tower(const ClipOptions& o, bool siglip, Demands& demands) {
  const VitOptions i = resolved(o.image);
  demands.expect(o.image_tower == ImageTower::kVit, "image-tower vit");
  demands.expect(i.image_size == i.image_width && i.patch_size == i.patch_width,
                 "square images and patches");
  const auto pooling = siglip ? VitPooling::kAttention : VitPooling::kClassToken;
  demands.expect(i.pooling == pooling, fmt::format("image-pooling {}", name_of(pooling)));
  demands.expect(i.position == GridPositionKind::kLearned, "image-position learned");
  demands.expect(!is_gated(i.activation), "an image-activation without a gate");
  demands.expect(i.norm_place == NormPlace::kPre, "image-norm-place pre");
  expect_usual_stack(i, demands, "image-");
  demands.expect(i.embedding_norm != siglip,
                 siglip ? "no image-embedding-norm" : "image-embedding-norm");
  demands.expect(i.patch_bias == siglip, siglip ? "image-patch-bias" : "no image-patch-bias");
  demands.expect(o.image_projection != siglip, siglip ? "no image-projection" : "image-projection");
}

void expect_text_tower(const ClipOptions& o, bool siglip, Demands& demands) {
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
  const auto pooling = siglip ? ClipTextPooling::kLast : ClipTextPooling::kEndToken;
  demands.expect(o.text_pooling == pooling, fmt::format("text-pooling {}", name_of(pooling)));
  demands.expect(o.text_causal != siglip, fmt::format("text-causal {}", !siglip));
}

/// What CLIP's layouts, or SigLIP's, would need.
std::string unlike(const ClipOptions& o, bool siglip) {
  Demands demands;
  if (siglip) demands.expect(o.towers == ClipTowers::kBoth, "both towers");
  if (o.towers != ClipTowers::kText) expect_image_tower(o, siglip, demands);
  if (o.towers != ClipTowers::kImage) expect_text_tower(o, siglip, demands);
  demands.expect(o.has_logit_bias == siglip, siglip ? "has-logit-bias" : "no has-logit-bias");
  demands.expect(o.projection_bias == siglip, siglip ? "projection-bias" : "no projection-bias");
  return demands.text();
}

constexpr StackDefaults kClipStack = {.activation = "quick_gelu", .norm_epsilon = 1e-5};
constexpr StackDefaults kSiglipStack = {.activation = "gelu_pytorch_tanh", .norm_epsilon = 1e-6};

/// What both towers have.
template <class Keys, class Options>
void tower_keys(Keys& keys, Options& o, const StackDefaults& defaults) {
  stack_keys(keys, o, defaults);
  keys.number("attention_dropout", o.attention_dropout, 0.0, Null::kMeansMissing);
}

template <class Keys>
void vision_keys(Keys& keys, VitOptions& o, bool siglip) {
  keys.sides("image_size", o.image_size, o.image_width, 224);
  keys.sides("patch_size", o.patch_size, o.patch_width, siglip ? 16 : 32);
  keys.count("num_channels", o.channels, 3);
  tower_keys(keys, o, siglip ? kSiglipStack : kClipStack);
  if (siglip) keys.fixed("vision_use_head", true);
}

template <class Keys>
void text_keys(Keys& keys, GptOptions& o, bool siglip) {
  keys.count("vocab_size", o.vocab_size, siglip ? 32000 : 49408);
  keys.count("max_position_embeddings", o.context, siglip ? 64 : 77);
  StackDefaults defaults = siglip ? kSiglipStack : kClipStack;
  if (!siglip) defaults.d_model = 512, defaults.heads = 8, defaults.feed_forward = 2048;
  tower_keys(keys, o, defaults);
  keys.fixed("is_causal", !siglip, {}, Null::kRefused);
}

json vision_to_json(const ClipOptions& options, bool siglip) {
  VitOptions o = resolved(options.image);
  json result = json::object();
  WriteKeys keys(result);
  vision_keys(keys, o, siglip);
  return result;
}

json text_to_json(const ClipOptions& options, bool siglip) {
  GptOptions o = resolved(options.text);
  json result = json::object();
  if (siglip)
    result["projection_size"] = options.projection;
  else
    result["eos_token_id"] = options.end_token < 0 ? kLargestIdEnds : options.end_token;
  WriteKeys keys(result);
  text_keys(keys, o, siglip);
  return result;
}

void read_text(const json& config, ClipConfig& result) {
  ReadKeys keys(config);
  text_keys(keys, result.options.text, /*siglip=*/false);
  const auto found = config.find("eos_token_id");
  const auto end = found == config.end() ? 49407 : json_value<int64_t>(*found, "eos_token_id");
  result.options.end_token = end == kLargestIdEnds ? -1 : end;
  result.ids = special_ids(config);
}

/// The object that describes a tower: of a model with both it stands below a key. Files of old
/// versions have a second one, which then holds.
json tower_of(const json& config, ClipLayout layout, const std::string& key) {
  if (layout != ClipLayout::kClip && layout != ClipLayout::kSiglip) return config;
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
  if (config.layout == ClipLayout::kSiglip) {
    return {{"vision_config", vision_to_json(o, /*siglip=*/true)},
            {"text_config", text_to_json(o, /*siglip=*/true)}};
  }
  json keys = {{"projection_dim", o.projection}};
  if (config.layout == ClipLayout::kVision) keys.update(vision_to_json(o, /*siglip=*/false));
  if (config.layout == ClipLayout::kText) keys.update(text_to_json(o, /*siglip=*/false));
  if (config.layout == ClipLayout::kZoo) {
    keys["vocab_size"] = o.text.vocab_size;
    keys["end_token"] = o.end_token;
  }
  if (config.layout != ClipLayout::kClip) return keys;
  keys["logit_scale_init_value"] = o.logit_scale;
  keys["vision_config"] = vision_to_json(o, /*siglip=*/false);
  keys["text_config"] = text_to_json(o, /*siglip=*/false);
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

/// What SigLIP's code has built in, and its keys.
void read_siglip(const json& config, ClipConfig& result) {
  ClipOptions& o = result.options = ClipOptions::siglip_base16();
  const ReadKeys whole(config);  // refuses what no family has
  const json text = tower_of(config, result.layout, "text_config");
  ReadKeys text_reader(text);
  text_keys(text_reader, o.text, /*siglip=*/true);
  const json vision = tower_of(config, result.layout, "vision_config");
  ReadKeys vision_reader(vision);
  vision_keys(vision_reader, o.image, /*siglip=*/true);
  text_reader.count("projection_size", o.projection, o.text.d_model, Null::kMeansMissing);
  if (o.projection != o.image.d_model) {
    config_fail("\"projection_size\" of the texts is {}, but \"hidden_size\" of the pictures {}",
                o.projection, o.image.d_model);
  }
  result.ids = special_ids(text);
}

void read_reference_keys(const json& config, ClipConfig& result) {
  if (result.layout == ClipLayout::kSiglip) return read_siglip(config, result);
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
    vision_keys(of_tower, o.image, /*siglip=*/false);
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
    case ClipLayout::kSiglip:
      return "SiglipModel";
    case ClipLayout::kZoo:
      break;
  }
  return "ZooClip";
}

ClipLayout layout_of(const ClipOptions& o) {
  if (unlike(o, /*siglip=*/true).empty()) return ClipLayout::kSiglip;
  if (!unlike(o, /*siglip=*/false).empty()) return ClipLayout::kZoo;
  if (o.towers == ClipTowers::kText) return ClipLayout::kText;
  return o.towers == ClipTowers::kImage ? ClipLayout::kVision : ClipLayout::kClip;
}

std::string layout_note(const ClipOptions& o) {
  if (layout_of(o) != ClipLayout::kZoo) return "";
  return fmt::format(
      "checkpoints are written as model_type zoo_clip, which Python's transformers does not open: "
      "CLIP's layout would need {}; SigLIP's would need {}",
      unlike(o, /*siglip=*/false), unlike(o, /*siglip=*/true));
}

json clip_config_to_json(const ClipConfig& config, const std::string& dtype) {
  json result = reference_keys(config);
  put_class(result, name_of(config.layout), clip_architecture(config.layout), dtype);
  const bool siglip = config.layout == ClipLayout::kSiglip;
  json& ids = siglip || config.layout == ClipLayout::kClip ? result["text_config"] : result;
  if (config.options.towers != ClipTowers::kImage) {
    ids["bos_token_id"] = config.ids.bos ? json(*config.ids.bos) : json();
    ids["pad_token_id"] = config.ids.pad ? json(*config.ids.pad) : json();
    if (siglip)
      ids["eos_token_id"] = config.ids.eos.empty() ? json() : json(config.ids.eos.front());
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
