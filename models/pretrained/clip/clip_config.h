// config.json of CLIP as Hugging Face's `transformers` writes it: one for each tower, in one.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "models/clip/clip.h"
#include "models/pretrained/format/checkpoint_config.h"

namespace zoo {

/// How a checkpoint of our Clip lies on disk: config.json's model_type.
enum class ClipLayout { kClip, kText, kVision, kSiglip, kZoo };
template <>
struct EnumNames<ClipLayout> {
  static constexpr std::string_view what = "CLIP layout";
  static constexpr std::pair<ClipLayout, std::string_view> values[] = {
      {ClipLayout::kClip, "clip"},
      {ClipLayout::kText, "clip_text_model"},
      {ClipLayout::kVision, "clip_vision_model"},
      {ClipLayout::kSiglip, "siglip"},
      {ClipLayout::kZoo, "zoo_clip"}};
};

/// What config.json says. The id that ends a text is among the options.
using ClipConfig = CheckpointConfig<ClipOptions, ClipLayout>;

/// The reference's class of a layout.
std::string_view clip_architecture(ClipLayout layout);
/// The layout in which Python opens such a model; kZoo where there is none.
ClipLayout layout_of(const ClipOptions& options);
/// For kZoo: one sentence that says why Python will not open the checkpoint. Else empty.
std::string layout_note(const ClipOptions& options);

/// The reference's keys, and all options under "zoo".
nlohmann::json clip_config_to_json(const ClipConfig& config, const std::string& dtype);
/// Throws std::runtime_error with one line: another family, a feature that the zoo lacks, a value
/// of the wrong type, a "zoo" that contradicts the other keys.
ClipConfig clip_config_from_json(const nlohmann::json& json);

}  // namespace zoo
