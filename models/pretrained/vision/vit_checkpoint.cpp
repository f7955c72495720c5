// Whole checkpoints of ViT, DeiT and DINOv2 in and out.
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

struct VitFormat : CheckpointFormat<Vit, VitConfig> {
  static VitConfig from_json(const nlohmann::json& config) { return vit_config_from_json(config); }
  static nlohmann::json to_json(const VitConfig& config, const std::string& dtype) {
    return vit_config_to_json(config, dtype);
  }
  static ModelCost cost(const VitOptions& o) { return cost_of(o); }
  static NameMap names(const VitOptions& o) { return vit_name_map(o); }
  static void settle(VitOptions& o, const VitConfig& config, const SafetensorsReader& reader) {
    if (o.classes > 0 || config.layout == VitLayout::kZoo || config.layout == VitLayout::kDinov2)
      return;
    const std::string name = "pooler.dense.weight";
    o.pooler =
        reader.contains(name) || reader.contains(std::string(name_of(config.layout)) + "." + name);
  }
};

}  // namespace

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
