// config.json of encoder-decoders: the layouts of Marian, BART, Pegasus, mBART and T5 in Hugging
// Face's `transformers`, and our own for what none of them can express.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>

#include "models/pretrained/format/checkpoint_config.h"
#include "models/transformer/transformer.h"

namespace zoo {

/// How a model lies on disk; the names are config.json's model_type.
enum class TransformerLayout { kMarian, kBart, kPegasus, kMbart, kT5, kZoo };
template <>
struct EnumNames<TransformerLayout> {
  static constexpr std::string_view what = "encoder-decoder layout";
  static constexpr std::pair<TransformerLayout, std::string_view> values[] = {
      {TransformerLayout::kMarian, "marian"},   {TransformerLayout::kBart, "bart"},
      {TransformerLayout::kPegasus, "pegasus"}, {TransformerLayout::kMbart, "mbart"},
      {TransformerLayout::kT5, "t5"},           {TransformerLayout::kZoo, "zoo_transformer"}};
};

/// What config.json says.
using TransformerConfig = CheckpointConfig<TransformerOptions, TransformerLayout>;

/// The reference's classes of a layout: with output layer, and without where there is one.
std::span<const std::string_view> transformer_architectures(TransformerLayout layout);
/// The layout in which Python opens such a model; kZoo where there is none.
TransformerLayout layout_of(const TransformerOptions& options);
/// For kZoo: one sentence that says why Python will not open the checkpoint. Else empty.
std::string layout_note(const TransformerOptions& options);

/// The reference's keys, and all options under "zoo".
nlohmann::json transformer_config_to_json(const TransformerConfig& config,
                                          const std::string& dtype);
/// Throws std::runtime_error with one line: another family, a feature that the zoo lacks, a value
/// of the wrong type, a "zoo" that contradicts the other keys.
TransformerConfig transformer_config_from_json(const nlohmann::json& json);

}  // namespace zoo
