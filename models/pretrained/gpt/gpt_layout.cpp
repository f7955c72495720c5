// The list of layouts, and how it is found which of them can express a model.
#include "models/pretrained/gpt/gpt_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <utility>

#include "models/pretrained/format/config_json.h"
#include "models/pretrained/gpt/layouts/layouts.h"

namespace zoo {
namespace {

using nlohmann::json;
using Names = std::set<std::string, std::less<>>;

/// What acts while a model is trained, and which kernel computes it.
const Names kTraining = {"residual-dropout", "attention-dropout", "activation-dropout",
                         "head-dropout",     "head-diversity",    "drop-path",
                         "init-std",         "embedding-dropout", "attention",
                         "expert-capacity",  "expert-balance",    "router-z-loss"};

/// Options without effect take their defaults, those that stand for others these.
void settle_rotary(PositionOptions& o) {
  const RotaryOptions rotary = std::exchange(o.rotary, {});
  if (o.position != PositionKind::kRotary) return;
  using enum RotaryScaling;
  o.rotary = {
      .base = rotary.base, .share = rotary.share, .pairs = rotary.pairs, .scaling = rotary.scaling};
  const bool by_turns = rotary.scaling == kYarn || rotary.scaling == kLlama3;
  if (rotary.scaling != kNone) o.rotary.factor = rotary.factor;
  if (by_turns || rotary.scaling == kDynamic) o.rotary.original_context = rotary.original_context;
  if (by_turns) {
    o.rotary.low_frequency = low_frequency_of(rotary);
    o.rotary.high_frequency = high_frequency_of(rotary);
  }
  if (rotary.scaling == kYarn) {
    o.rotary.attention_factor = rotary.attention_factor;
    o.rotary.whole_pairs = rotary.whole_pairs;
  }
}

void settle_positions(GptOptions& o) {
  settle_rotary(o);
  if (o.position != PositionKind::kSinusoidal) o.sinusoids = {};
  if (o.position != PositionKind::kBucketed) o.relative = {};
  if (o.position != PositionKind::kLearned) o.position_offset = 0;
  if (o.position != PositionKind::kLearned && o.position != PositionKind::kRotary) o.context = 0;
}

/// Layers that would have experts if they were not named.
void settle_experts(GptOptions& o) {
  if (o.experts == 0) return;
  std::string named;
  for (const int64_t n : dense_layers(o)) {
    if ((n + 1) % o.expert_every == 0) named += (named.empty() ? "" : ",") + std::to_string(n);
  }
  o.dense_layers = named;
  if (layers_with_experts(o, o.layers) == o.layers) o.feed_forward = o.expert_width;
}

/// A letter for each layer, as short as it can be: LGLG is LG.
std::string shortest(const std::string& pattern, int64_t layers) {
  std::string whole;
  for (int64_t n = 0; n < layers; ++n) whole += pattern[static_cast<size_t>(n) % pattern.size()];
  for (size_t length = 1; length < whole.size(); ++length) {
    bool repeats = true;
    for (size_t n = length; n < whole.size() && repeats; ++n)
      repeats = whole[n] == whole[n - length];
    if (repeats) return whole.substr(0, length);
  }
  return whole;
}

void settle_window(GptOptions& o) {
  if (o.window > 0)
    o.window_pattern = shortest(o.window_pattern, std::min<int64_t>(o.layers, 1000));
  if (o.window_pattern.find('L') == std::string::npos) o.window = 0;
  if (o.window == 0) o.window_pattern = "L";
}

GptOptions settled(GptOptions o) {
  o = resolved(o);
  settle_positions(o);
  settle_window(o);
  settle_experts(o);
  if (!has_mixers(o)) static_cast<MixerOptions&>(o) = {};
  if (o.norm == NormKind::kRms) o.norm_bias = false;
  o.qkv_bias = o.qkv_bias && o.attention_bias;
  o.out_bias = o.out_bias && o.attention_bias;
  o.attention_bias = true;
  if (o.scale_width == 0 || !o.scale_attention) o.scale_width = o.head_width;
  return o;
}

using Field = std::pair<std::string, std::string>;

/// Name and value of each option that changes what a trained model computes.
std::vector<Field> fields_of(const GptOptions& options, const GptLayoutRow& row) {
  GptOptions o = settled(options);
  std::vector<Field> fields;
  const auto add = [&](std::string_view name, const auto& field, std::string_view) {
    using Type = std::remove_cvref_t<decltype(field)>;
    if (kTraining.contains(name) ||
        std::ranges::find(row.free_options, name) != row.free_options.end())
      return;
    if constexpr (NamedEnum<Type>) {
      fields.emplace_back(name, name_of(field));
    } else {
      fields.emplace_back(name, fmt::format("{}", field));
    }
  };
  visit(o, add);
  return fields;
}

}  // namespace

std::span<const GptLayoutRow> gpt_layouts() {
  static const GptLayoutRow rows[] = {gpt2_layout(),    llama_layout(),     mistral_layout(),
                                      qwen2_layout(),   qwen3_layout(),     neox_layout(),
                                      phi_layout(),     opt_layout(),       bloom_layout(),
                                      mixtral_layout(), qwen3_moe_layout(), gemma2_layout()};
  return rows;
}

const GptLayoutRow& gpt_layout(GptLayout layout) {
  for (const auto& row : gpt_layouts())
    if (row.layout == layout) return row;
  throw std::invalid_argument("a layout of our own has no row");
}

json layout_keys(const GptLayoutRow& row, const GptOptions& options) {
  GptOptions o = resolved(options);
  o.vocab_size = std::max<int64_t>(o.vocab_size, 1);  // not known yet where a note is wanted
  json result = json::object();
  WriteKeys keys(result);
  row.write(keys, o);
  return result;
}

GptOptions options_of_keys(const GptLayoutRow& row, const json& config) {
  GptOptions o = row.built_in();
  ReadKeys keys(config, row.aliases, row.layer_types);
  row.read(keys, o);
  const GptOptions whole = resolved(o);
  const double turning = o.rotary.share * static_cast<double>(whole.head_width);
  if (o.position == PositionKind::kRotary && o.rotary.share < 1.0 &&
      static_cast<int64_t>(turning) % 2 != 0) {
    config_fail("of {} coordinates of a head an odd number would rotate: a share of {}",
                whole.head_width, o.rotary.share);
  }
  return o;
}

std::vector<std::string> unlike(const GptLayoutRow& row, const GptOptions& options) {
  const GptOptions back = options_of_keys(row, layout_keys(row, options));
  const auto ours = fields_of(options, row), theirs = fields_of(back, row);
  std::vector<std::string> demands;
  for (size_t n = 0; n < ours.size(); ++n) {
    const auto& [name, value] = theirs[n];
    if (ours[n].second == value) continue;
    demands.push_back(value.empty() ? "no " + name : name + " " + value);
  }
  return demands;
}

}  // namespace zoo
