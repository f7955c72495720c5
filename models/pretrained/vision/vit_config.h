// config.json of ViT, DeiT and DINOv2 as Hugging Face's `transformers` writes it.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>

#include "models/pretrained/format/checkpoint_config.h"
#include "models/vision/vit.h"

namespace zoo {

/// How a checkpoint of our Vit lies on disk: config.json's model_type.
enum class VitLayout { kVit, kDeit, kDinov2, kZoo };
template <>
struct EnumNames<VitLayout> {
  static constexpr std::string_view what = "ViT layout";
  static constexpr std::pair<VitLayout, std::string_view> values[] = {
      {VitLayout::kVit, "vit"},
      {VitLayout::kDeit, "deit"},
      {VitLayout::kDinov2, "dinov2"},
      {VitLayout::kZoo, "zoo_vit"}};
};

/// What config.json says; of an encoder alone there are no labels.
using VitConfig = CheckpointConfig<VitOptions, VitLayout>;

/// The layout in which Python opens such a model; kZoo where there is none.
VitLayout layout_of(const VitOptions& options);
/// For kZoo: one sentence that says why Python will not open the checkpoint. Else empty.
std::string layout_note(const VitOptions& options);
/// The reference's classes of a layout.
std::span<const std::string_view> vit_architectures(VitLayout layout);

/// The reference's keys, and all options under "zoo".
nlohmann::json vit_config_to_json(const VitConfig& config, const std::string& dtype);
/// Throws std::runtime_error with one line: another family, a feature that the zoo lacks, a value
/// of the wrong type, a "zoo" that contradicts the other keys.
VitConfig vit_config_from_json(const nlohmann::json& json);

}  // namespace zoo
