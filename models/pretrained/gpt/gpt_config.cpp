// config.json of a decoder-only model: which layout fits which options, and reading it back.
#include "models/pretrained/gpt/gpt_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "models/pretrained/format/config_json.h"
#include "models/pretrained/gpt/gpt_layout.h"

namespace zoo {
namespace {

using nlohmann::json;

/// The keys that carry the options which the layout can express; nothing else.
json reference_keys(const GptConfig& config) {
  if (config.layout == GptLayout::kZoo) return {{"vocab_size", config.options.vocab_size}};
  return layout_keys(gpt_layout(config.layout), config.options);
}

GptOptions options_of(const json& config, GptLayout layout) {
  if (layout != GptLayout::kZoo) return options_of_keys(gpt_layout(layout), config);
  GptOptions o;
  if (!config.contains("vocab_size")) config_fail("no \"vocab_size\"");
  o.vocab_size = config_count(config, "vocab_size", 0);
  return o;
}

}  // namespace

std::span<const std::string_view> gpt_architectures(GptLayout layout) {
  static constexpr std::string_view kZoo[] = {"ZooGpt"};
  if (layout == GptLayout::kZoo) return kZoo;
  return gpt_layout(layout).classes;
}

GptLayout layout_of(const GptOptions& options) {
  for (const auto& row : gpt_layouts())
    if (unlike(row, options).empty()) return row.layout;
  return GptLayout::kZoo;
}

std::string layout_note(const GptOptions& options) {
  const GptLayoutRow* nearest = nullptr;
  std::vector<std::string> demands;
  for (const auto& row : gpt_layouts()) {
    auto needs = unlike(row, options);
    if (needs.empty()) return "";
    if (nearest != nullptr && needs.size() >= demands.size()) continue;
    nearest = &row;
    demands = std::move(needs);
  }
  return fmt::format(
      "checkpoints are written as model_type zoo_gpt, which Python's transformers does not open: "
      "the nearest layout, {}'s, would need {}",
      nearest->title, fmt::join(demands, ", "));
}

json gpt_config_to_json(const GptConfig& config, const std::string& dtype) {
  json result = reference_keys(config);
  put_class(result, name_of(config.layout), gpt_architectures(config.layout).front(), dtype);
  put_special_ids(config.ids, result);
  result["zoo"] = options_to_json(config.options);
  return result;
}

GptConfig gpt_config_from_json(const json& config) {
  GptConfig result;
  result.layout = read_model_type<GptLayout>(config);
  result.has_head = names_first_class(config, gpt_architectures(result.layout));
  result.ids = special_ids(config);
  result.options = options_of(config, result.layout);
  if (read_zoo_options(config, result.options, result.layout == GptLayout::kZoo)) {
    check(result.options);
    check_agreement(config, reference_keys(result));
  }
  return result;
}

}  // namespace zoo
