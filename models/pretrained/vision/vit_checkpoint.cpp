// Names on disk of ViT's and DeiT's layouts, and whole checkpoints in and out.
#include "models/pretrained/vision/vit_checkpoint.h"

#include <fmt/format.h>

#include "models/cost/vision_cost.h"
#include "models/pretrained/format/checkpoint.h"
#include "models/pretrained/registry/family_of.h"
#include "models/pretrained/registry/model_registry.h"
#include "models/pretrained/vision/vision_forward.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

bool is_encoder_alone(const VitOptions& o) { return o.classes == 0; }

struct VitFormat : CheckpointFormat<Vit, VitConfig> {
  static VitConfig from_json(const nlohmann::json& config) { return vit_config_from_json(config); }
  static nlohmann::json to_json(const VitConfig& config, const std::string& dtype) {
    return vit_config_to_json(config, dtype);
  }
  static ModelCost cost(const VitOptions& o) { return cost_of(o); }
  static NameMap names(const VitOptions& o) { return vit_name_map(o); }
  static void settle(VitOptions& o, const VitConfig& config, const SafetensorsReader& reader) {
    if (!is_encoder_alone(o) || config.layout == VitLayout::kZoo) return;
    const std::string name = "pooler.dense.weight";
    o.pooler =
        reader.contains(name) || reader.contains(std::string(name_of(config.layout)) + "." + name);
  }
};

}  // namespace

NameMap vit_name_map(const VitOptions& options) {
  const VitLayout layout = layout_of(options);
  NameMap map{.family = std::string(name_of(layout)), .rows = {}};
  if (layout == VitLayout::kZoo) return map;
  const bool deit = layout == VitLayout::kDeit;
  const std::string root = map.prefix = map.family + ".", embeddings = root + "embeddings.";
  map.writes_prefix = !is_encoder_alone(options);
  const auto add = [&](const std::string& ours, const std::vector<std::string>& theirs) {
    add_layer(map, {.ours = ours, .theirs = theirs});
  };
  const int64_t C = options.d_model, T = prefix_tokens(options) + grid_of(options).patches();
  map.rows.push_back(
      {.ours = "class_token", .theirs = {embeddings + "cls_token"}, .shape = {1, 1, C}});
  map.rows.push_back({.ours = "distillation_token",
                      .theirs = {embeddings + "distillation_token"},
                      .shape = {1, 1, C}});
  map.rows.push_back({.ours = "position.table.weight",
                      .theirs = {embeddings + "position_embeddings"},
                      .shape = {1, T, C}});
  add("patch_embedding.projection", {embeddings + "patch_embeddings.projection"});
  const std::string layer = root + "encoder.layer.{}.", self = layer + "attention.attention.";
  add("blocks.{}.attention_norm", {layer + "layernorm_before"});
  add("blocks.{}.attention.in_proj", {self + "query", self + "key", self + "value"});
  add("blocks.{}.attention.out_proj", {layer + "attention.output.dense"});
  add("blocks.{}.feed_forward_norm", {layer + "layernorm_after"});
  add("blocks.{}.feed_forward.in_proj", {layer + "intermediate.dense"});
  add("blocks.{}.feed_forward.out_proj", {layer + "output.dense"});
  add("final_norm", {root + "layernorm"});
  add("pooler", {root + "pooler.dense"});
  add("head",
      {deit && options.distillation == Distillation::kHead ? "cls_classifier" : "classifier"});
  add("distillation_head", {"distillation_classifier"});
  const std::string memory = root + "layers.{}.";
  for (const auto& [other, today] : {std::pair("attention.q_proj", "attention.attention.query"),
                                     {"attention.k_proj", "attention.attention.key"},
                                     {"attention.v_proj", "attention.attention.value"},
                                     {"attention.o_proj", "attention.output.dense"},
                                     {"mlp.fc1", "intermediate.dense"},
                                     {"mlp.fc2", "output.dense"},
                                     {"layernorm_before", "layernorm_before"},
                                     {"layernorm_after", "layernorm_after"}}) {
    for (const char* kind : {".weight", ".bias"})
      map.synonyms.emplace_back(memory + other + kind, layer + today + kind);
  }
  // What other classes of the reference have besides: a token for masked patches, a pooler.
  map.ignored = {embeddings + "mask_token"};
  map.other_heads = {"classifier.", "cls_classifier.", "distillation_classifier.", "decoder."};
  if (!options.pooler) ignore_layer(map, root + "pooler.dense");
  return map;
}

VitConfig read_vit_config(const fs::path& folder) {
  return read_checkpoint_config<VitFormat>(folder);
}

Vit load_vit(const fs::path& folder, const LoadModelOptions& options) {
  return load_checkpoint<VitFormat>(folder, options);
}

void save_vit(const VitImpl& model, const fs::path& folder, std::vector<std::string> labels) {
  save_checkpoint<VitFormat>(model, folder, {.labels = std::move(labels)});
}

void register_vit(ModelRegistry& registry) {
  ModelFamily family = family_of<VitFormat>();
  family.model_types = model_types_of<VitLayout>();
  family.architectures = architectures_of<VitLayout>(vit_architectures);
  family.forward = forward_vit;
  family.cost = [](const fs::path& folder, int64_t /*length*/) -> CheckpointCost {
    const VitOptions o = load_vit(folder)->options;
    return {.input = fmt::format("a picture of {} x {} pixels", o.image_size, o.image_width),
            .cost = cost_of(o)};
  };
  registry.add(std::move(family));
}

}  // namespace zoo
