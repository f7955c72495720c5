// config.json of decoder-only models: layouts of Hugging Face's `transformers` (4 and 5), and our
// own for what none of them can express.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>

#include "models/gpt/gpt.h"
#include "models/pretrained/format/checkpoint_config.h"

namespace zoo {

/// How a model lies on disk; the names are config.json's model_type.
enum class GptLayout {
  kGpt2,
  kLlama,
  kMistral,
  kMixtral,
  kQwen2,
  kQwen3,
  kQwen3Moe,
  kGemma2,
  kPhi,
  kNeox,
  kOpt,
  kBloom,
  kZoo
};
template <>
struct EnumNames<GptLayout> {
  static constexpr std::string_view what = "GPT layout";
  static constexpr std::pair<GptLayout, std::string_view> values[] = {
      {GptLayout::kGpt2, "gpt2"},
      {GptLayout::kLlama, "llama"},
      {GptLayout::kMistral, "mistral"},
      {GptLayout::kMixtral, "mixtral"},
      {GptLayout::kQwen2, "qwen2"},
      {GptLayout::kQwen3, "qwen3"},
      {GptLayout::kQwen3Moe, "qwen3_moe"},
      {GptLayout::kGemma2, "gemma2"},
      {GptLayout::kPhi, "phi"},
      {GptLayout::kNeox, "gpt_neox"},
      {GptLayout::kOpt, "opt"},
      {GptLayout::kBloom, "bloom"},
      {GptLayout::kZoo, "zoo_gpt"}};
};

/// What config.json says.
using GptConfig = CheckpointConfig<GptOptions, GptLayout>;

/// The reference's classes of a layout: with output layer, and without where there is one.
std::span<const std::string_view> gpt_architectures(GptLayout layout);
/// The layout in which Python opens such a model; kZoo where there is none.
GptLayout layout_of(const GptOptions& options);
/// For kZoo: one sentence that says why Python will not open the checkpoint. Else empty.
std::string layout_note(const GptOptions& options);

/// The reference's keys, and all options under "zoo".
nlohmann::json gpt_config_to_json(const GptConfig& config, const std::string& dtype);
/// Throws std::runtime_error with one line: another family, a feature that the zoo lacks, a value
/// of the wrong type, a "zoo" that contradicts the other keys.
GptConfig gpt_config_from_json(const nlohmann::json& json);

}  // namespace zoo
