// One key after the other, checked.
#include "models/pretrained/format/config_keys.h"

#include <iterator>
#include <set>

#include "models/layers/pruned_heads.h"
#include "models/pretrained/format/config_json.h"

namespace zoo {

using nlohmann::json;

namespace {

/// Of every family: what the reference's base class makes of a model, and the zoo does not.
void check_every_family(const json& config, LayerTypes types) {
  for (const auto& [key, why] :
       {std::pair("quantization_config",
                  "the weights are quantized; save them in Python in "
                  "float32, float16 or bfloat16"),
        std::pair("per_layer_config", "its layers differ; the zoo's are alike")}) {
    const auto found = config.find(key);
    if (found != config.end() && !found->is_null()) config_fail("\"{}\": {}", key, why);
  }
  const auto layers = config.find("layer_types");
  if (types == LayerTypes::kRead || layers == config.end() || !layers->is_array()) return;
  for (const auto& layer : *layers) {
    if (layer != "full_attention")
      config_fail("\"layer_types\" has {}, but every layer of the zoo's attends to all",
                  json_text(layer));
  }
}

}  // namespace

ReadKeys::ReadKeys(const json& config, std::span<const KeyAlias> aliases, LayerTypes layer_types)
    : config_(config), aliases_(aliases) {
  check_every_family(config, layer_types);
}

const json* ReadKeys::given(std::string_view key) const {
  auto found = config_.find(std::string(key));
  for (const auto& alias : aliases_) {
    if (alias.key != key) continue;
    if (const auto other = config_.find(std::string(alias.other)); other != config_.end())
      found = other;
  }
  return found == config_.end() ? nullptr : &*found;
}

const json* ReadKeys::find(std::string_view key, Null null) const {
  const json* found = given(key);
  if (found == nullptr || !found->is_null()) return found;
  if (null == Null::kRefused)
    config_fail("\"{}\" is null, which the reference refuses; give a value, or leave it out", key);
  return nullptr;
}

void ReadKeys::count(std::string_view key, int64_t& field, int64_t otherwise, Null null) {
  const json* value = find(key, null);
  field = value == nullptr ? otherwise : json_value<int64_t>(*value, key);
  if (field < 1 || field > INT32_MAX) config_fail("\"{}\" must be positive, got {}", key, field);
}

void ReadKeys::count_or_null(std::string_view key, int64_t& field, int64_t otherwise,
                             int64_t null) {
  const json* value = given(key);
  field = value == nullptr ? otherwise : null;
  if (value != nullptr && !value->is_null()) count(key, field, otherwise);
}

void ReadKeys::index(std::string_view key, int64_t& field, int64_t otherwise) {
  const json* value = find(key, Null::kRefused);
  field = value == nullptr ? otherwise : json_value<int64_t>(*value, key);
  if (field < 0 || field > INT32_MAX) config_fail("\"{}\" must be 0 or more, got {}", key, field);
}

void ReadKeys::width(std::string_view key, int64_t& field, Null null) {
  field = 0;
  if (find(key, null) != nullptr) count(key, field, 0, null);
}

void ReadKeys::number(std::string_view key, double& field, double otherwise, Null null) {
  const json* value = find(key, null);
  field = value == nullptr ? otherwise : json_value<double>(*value, key);
}

void ReadKeys::number_or_null(std::string_view key, double& field, double otherwise) {
  field = 0.0;
  if (given(key) != nullptr && given(key)->is_null()) return;
  number(key, field, otherwise);
  if (!(field > 0.0)) config_fail("\"{}\" must be positive or null, got {}", key, field);
}

void ReadKeys::flag(std::string_view key, bool& field, bool otherwise, Null null) {
  const json* value = find(key, null);
  field = value == nullptr ? otherwise : json_value<bool>(*value, key);
}

void ReadKeys::activation(std::string_view key, Activation& field, std::string_view otherwise) {
  const json* value = find(key, Null::kRefused);
  field = activation_of(
      value == nullptr ? std::string(otherwise) : json_value<std::string>(*value, key), key);
}

void ReadKeys::gate(std::string_view key, Activation& field, std::string_view otherwise) {
  Activation gate = {};
  activation(key, gate, otherwise);
  for (const auto& [gated, name] : EnumNames<Activation>::values) {
    if (!is_gated(gated) || gate_of(gated) != gate) continue;
    field = gated;
    return;
  }
  config_fail("\"{}\" is {}, but the zoo's gates are silu, gelu, gelu_new and relu", key,
              name_of(gate));
}

void ReadKeys::sides(std::string_view key, int64_t& height, int64_t& width, int64_t otherwise) {
  const json* value = find(key, Null::kRefused);
  const auto side = [&](const json& one) {
    const auto number = json_value<int64_t>(one, key);
    if (number < 1 || number > INT32_MAX)
      config_fail("\"{}\" must be positive, got {}", key, number);
    return number;
  };
  if (value != nullptr && value->is_array()) {
    if (value->size() != 2) config_fail("\"{}\" must be a number or a list of two", key);
    height = side((*value)[0]);
    width = side((*value)[1]);
  } else {
    height = width = value == nullptr ? otherwise : side(*value);
  }
}

void ReadKeys::heads(std::string_view key, std::string& field) {
  const json* value = find(key, Null::kMeansMissing);
  field.clear();
  if (value == nullptr) return;
  const auto refuse = [&] {
    config_fail("\"{}\" must be an object of layers with lists of heads, got {}", key,
                json_text(*value));
  };
  if (!value->is_object()) refuse();
  for (const auto& [layer, heads] : value->items()) {
    if (!heads.is_array()) refuse();
    if (heads.empty()) continue;
    field += (field.empty() ? "" : " ") + layer + ":";
    for (size_t n = 0; n < heads.size(); ++n)
      field += (n > 0 ? "," : "") + std::to_string(json_value<int64_t>(heads[n], key));
  }
  field = heads_text(parse_heads(field));
}

void ReadKeys::layer_types(std::string& pattern, int64_t layers, const std::string& otherwise) {
  constexpr std::string_view kKey = "layer_types";
  const json* value = find(kKey, Null::kMeansMissing);
  pattern = otherwise;
  if (value == nullptr) return;
  if (!value->is_array()) config_fail("\"{}\" must be a list, got {}", kKey, json_text(*value));
  if (std::ssize(*value) != layers)
    config_fail("\"{}\" has {} entries for {} layers", kKey, value->size(), layers);
  pattern.clear();
  for (const json& type : *value) {
    if (type != "sliding_attention" && type != "full_attention") {
      config_fail("\"{}\" has {}, but the zoo has sliding_attention and full_attention", kKey,
                  json_text(type));
    }
    pattern += type == "sliding_attention" ? 'L' : 'G';
  }
}

void ReadKeys::layers(std::string_view key, std::string& field, int64_t layers) {
  const json* value = find(key, Null::kMeansMissing);
  field.clear();
  if (value == nullptr) return;
  if (!value->is_array()) config_fail("\"{}\" must be a list, got {}", key, json_text(*value));
  std::set<int64_t> numbers;
  for (const json& number : *value) numbers.insert(json_value<int64_t>(number, key));
  for (const int64_t number : numbers) {
    if (number >= 0 && number < layers)
      field += (field.empty() ? "" : ",") + std::to_string(number);
  }
}

void ReadKeys::fixed(std::string_view key, const json& value, std::string_view why, Null null) {
  const json* given = find(key, null);
  if (given == nullptr || *given == value) return;
  config_fail("\"{}\" is {}, but {} {}", key, json_text(*given),
              why.empty() ? "the zoo's model has" : why, value.dump());
}

void ReadKeys::absent(std::string_view key, std::string_view why) {
  const auto found = config_.find(std::string(key));
  if (found != config_.end())
    config_fail("\"{}\" is {}, but {}; leave it out", key, json_text(*found), why);
}

void WriteKeys::count_or_null(std::string_view key, int64_t field, int64_t, int64_t) {
  put(key, field == 0 ? json() : json(field));
}

void WriteKeys::number_or_null(std::string_view key, double field, double) {
  put(key, field == 0.0 ? json() : json(field));
}

// A layout without gates has their function, one with gates has a gate: whether that is the model
// is found out by reading it back.
void WriteKeys::activation(std::string_view key, Activation field, std::string_view) {
  put(key, reference_activation(gate_of(field)));
}

void WriteKeys::gate(std::string_view key, Activation field, std::string_view usual) {
  const Activation gate = gate_of(field);  // has several names
  const bool is_usual = activation_of(std::string(usual), key) == gate;
  put(key, is_usual ? std::string(usual) : reference_activation(gate));
}

void WriteKeys::heads(std::string_view key, const std::string& field) {
  json layers = json::object();
  for (const auto& [layer, heads] : parse_heads(field)) layers[std::to_string(layer)] = heads;
  if (!layers.empty()) put(key, std::move(layers));
}

void WriteKeys::layer_types(const std::string& pattern, int64_t layers, const std::string&) {
  json types = json::array();
  for (int64_t n = 0; n < layers; ++n) {
    const bool local = pattern.at(static_cast<size_t>(n) % pattern.size()) == 'L';
    types.push_back(local ? "sliding_attention" : "full_attention");
  }
  put("layer_types", std::move(types));
}

void WriteKeys::layers(std::string_view key, const std::string& field, int64_t) {
  put(key, json::parse("[" + field + "]"));
}

void WriteKeys::sides(std::string_view key, int64_t height, int64_t width, int64_t) {
  put(key, height == width ? json(height) : json({height, width}));
}

}  // namespace zoo
