// Names on disk of CLIP's layouts, and whole checkpoints in and out.
#include "models/pretrained/clip/clip_checkpoint.h"

#include <fmt/format.h>

#include "models/cost/clip_cost.h"
#include "models/pretrained/clip/clip_forward.h"
#include "models/pretrained/format/checkpoint.h"
#include "models/pretrained/registry/family_of.h"
#include "models/pretrained/registry/model_registry.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

/// What both towers' blocks are called.
class ClipNames {
 public:
  explicit ClipNames(const ClipOptions& options) : options_(options) {
    map_.family = name_of(layout_of(options));
    siglip_ = layout_of(options) == ClipLayout::kSiglip;
  }

  NameMap make() {
    if (layout_of(options_) == ClipLayout::kZoo) return map_;
    if (options_.towers != ClipTowers::kText) add_image_tower();
    if (options_.towers != ClipTowers::kImage) add_text_tower();
    // SigLIP's are vectors of one number.
    const std::vector<int64_t> shape = siglip_ ? std::vector<int64_t>{1} : std::vector<int64_t>{};
    for (const char* name : {"logit_scale", "logit_bias"})
      map_.rows.push_back({.ours = name, .theirs = {name}, .shape = shape});
    return map_;
  }

 private:
  void add_row(const std::string& ours, const std::string& theirs) {
    add_parameter(map_, ours, theirs);
  }
  void add(const std::string& ours, const std::vector<std::string>& theirs) {
    add_layer(map_, {.ours = ours, .theirs = theirs});
  }

  void add_blocks(const std::string& ours, const std::string& theirs) {
    const std::string block = ours + "blocks.{}.", layer = theirs + "encoder.layers.{}.",
                      self = layer + "self_attn.";
    add(block + "attention_norm", {layer + "layer_norm1"});
    add(block + "attention.in_proj", {self + "q_proj", self + "k_proj", self + "v_proj"});
    add(block + "attention.out_proj", {self + "out_proj"});
    add(block + "feed_forward_norm", {layer + "layer_norm2"});
    add(block + "feed_forward.in_proj", {layer + "mlp.fc1"});
    add(block + "feed_forward.out_proj", {layer + "mlp.fc2"});
    map_.ignored.push_back(theirs + "embeddings.position_ids");  // of old files
  }

  void add_image_tower() {
    const std::string at = "vision_model.";
    add_row("image.class_token", at + "embeddings.class_embedding");
    add("image.patch_embedding.projection", {at + "embeddings.patch_embedding"});
    add_row("image.position.table.weight", at + "embeddings.position_embedding.weight");
    add("image.embedding_norm", {at + "pre_layrnorm"});  // spelt so
    add_blocks("image.", at);
    add("image.final_norm", {at + "post_layernorm"});
    add_row("image_projection.weight", "visual_projection.weight");
    const std::string ours = "image.attention_pooling.", head = at + "head.";
    map_.rows.push_back({.ours = ours + "probe",
                         .theirs = {head + "probe"},
                         .shape = {1, 1, options_.image.d_model}});
    add_row(ours + "attention.in_proj.weight", head + "attention.in_proj_weight");
    add_row(ours + "attention.in_proj.bias", head + "attention.in_proj_bias");
    add(ours + "attention.out_proj", {head + "attention.out_proj"});
    add(ours + "norm", {head + "layernorm"});
    add(ours + "feed_forward.in_proj", {head + "mlp.fc1"});
    add(ours + "feed_forward.out_proj", {head + "mlp.fc2"});
  }

  void add_text_tower() {
    const std::string at = "text_model.";
    add_row("text.token_embedding.weight", at + "embeddings.token_embedding.weight");
    add_row("text.position.table.weight", at + "embeddings.position_embedding.weight");
    add_blocks("text.", at);
    add("text.final_norm", {at + "final_layer_norm"});
    if (siglip_)
      add("text_projection", {at + "head"});
    else
      add_row("text_projection.weight", "text_projection.weight");
  }

  const ClipOptions& options_;
  bool siglip_ = false;
  NameMap map_{.family = {}, .rows = {}};
};

struct ClipFormat : CheckpointFormat<Clip, ClipConfig> {
  static ClipConfig from_json(const nlohmann::json& config) {
    return clip_config_from_json(config);
  }
  static nlohmann::json to_json(const ClipConfig& config, const std::string& dtype) {
    return clip_config_to_json(config, dtype);
  }
  static std::vector<std::string*> kernels(ClipOptions& o) {
    return {&o.image.attention, &o.text.attention};
  }
  static ModelCost cost(const ClipOptions& o) { return cost_of(o, o.text.context); }
  static NameMap names(const ClipOptions& o) { return clip_name_map(o); }
};

}  // namespace

NameMap clip_name_map(const ClipOptions& options) { return ClipNames(options).make(); }

ClipConfig read_clip_config(const fs::path& folder) {
  return read_checkpoint_config<ClipFormat>(folder);
}

Clip load_clip(const fs::path& folder, const LoadModelOptions& options) {
  return load_checkpoint<ClipFormat>(folder, options);
}

void load_clip_weights(ClipImpl& model, const fs::path& folder) {
  load_checkpoint_weights<ClipFormat>(model, folder);
}

void save_clip(const ClipImpl& model, const fs::path& folder, const SpecialIds& ids) {
  save_checkpoint<ClipFormat>(model, folder, {.ids = ids});
}

void register_clip(ModelRegistry& registry) {
  ModelFamily family = family_of<ClipFormat>();
  family.model_types = model_types_of<ClipLayout>();
  for (const auto& [layout, name] : EnumNames<ClipLayout>::values)
    family.architectures.emplace_back(clip_architecture(layout));
  family.forward = forward_clip;
  family.cost = [](const fs::path& folder, int64_t length) -> CheckpointCost {
    const ClipOptions o = load_clip(folder)->options;
    if (length == 0) length = o.text.context;
    const auto text = fmt::format("a text of {} tokens", length);
    auto input =
        o.towers == ClipTowers::kText
            ? text
            : fmt::format("a picture of {} x {} pixels", o.image.image_size, o.image.image_width);
    if (o.towers == ClipTowers::kBoth) input += " and " + text;
    return {.input = input, .cost = cost_of(o, length)};
  };
  registry.add(std::move(family));
}

}  // namespace zoo
