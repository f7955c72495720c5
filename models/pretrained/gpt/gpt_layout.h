// An architecture of Hugging Face's `transformers` is a row: the options that its code has built
// in, the keys of config.json that set others, and a table of names. To add one: a row in layouts/,
// its place in the list of gpt_layout.cpp, and its enumerator in gpt_config.h.
#pragma once
#include <array>
#include <span>
#include <string_view>

#include "models/pretrained/format/config_keys.h"
#include "models/pretrained/format/name_map.h"
#include "models/pretrained/gpt/gpt_config.h"

namespace zoo {

struct GptLayoutRow {
  GptLayout layout = GptLayout::kZoo;
  std::string_view title = {};                   ///< for messages: "GPT-2"
  std::array<std::string_view, 2> classes = {};  ///< with output layer, and without
  /// What the reference's code has built in; its keys change it.
  GptOptions (*built_in)() = nullptr;
  /// One description of the keys, in both directions; sizes are resolved where they are written.
  void (*read)(ReadKeys& keys, GptOptions& options) = nullptr;
  void (*write)(WriteKeys& keys, GptOptions& options) = nullptr;
  std::span<const KeyAlias> aliases = {};
  LayerTypes layer_types = LayerTypes::kRefused;
  /// Options that the layout expresses although no key does.
  std::span<const std::string_view> free_options = {};
  /// Our names and theirs, those of the token embedding first; the output layer is added to them.
  NameMap (*names)(const GptOptions& options) = nullptr;
  std::string output = "lm_head";  ///< its name
  /// Positions count the tokens that attention_mask keeps, not all.
  bool counts_mask = false;
};

/// In the order in which layout_of() tries them; kZoo has no row.
std::span<const GptLayoutRow> gpt_layouts();
/// Throws std::invalid_argument for kZoo.
const GptLayoutRow& gpt_layout(GptLayout layout);

/// What config.json says in this layout of these options, without the class.
nlohmann::json layout_keys(const GptLayoutRow& row, const GptOptions& options);
/// The reverse, with the reference's defaults for keys that are missing. Throws std::runtime_error
/// for features that the zoo lacks.
GptOptions options_of_keys(const GptLayoutRow& row, const nlohmann::json& config);

/// The options, with their values, that would have to be others for this layout to express them:
/// those that do not return from its keys, "norm-place pre", and change what a trained model
/// computes.
std::vector<std::string> unlike(const GptLayoutRow& row, const GptOptions& options);

}  // namespace zoo
