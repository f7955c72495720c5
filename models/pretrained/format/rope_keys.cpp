// rope_parameters of transformers 5, rope_scaling and rope_theta of the versions before.
#include "models/pretrained/format/rope_keys.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "models/pretrained/format/config_json.h"

namespace zoo {
namespace {

using nlohmann::json;

/// transformers 5 has everything under rope_parameters; before, rope_theta stood beside
/// rope_scaling, whose type was called "type" and which still wins where it is not empty.
json rope_object(const json& config) {
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    const auto found = config.find(key);
    if (found == config.end() || found->is_null()) continue;
    if (!found->is_object()) config_fail("\"{}\" must be an object", key);
    if (!found->empty()) return *found;
  }
  return json::object();
}

/// Peng et al. 2023, §3.4, with DeepSeek's two weights of the logarithm.
double yarn_attention_factor(const json& rope, double factor) {
  const double given = config_value(rope, "attention_factor", 0.0);
  if (given > 0.0) return given;
  const double above = config_value(rope, "mscale", 0.0);
  const double below = config_value(rope, "mscale_all_dim", 0.0);
  if (above == 0.0 || below == 0.0) return 0.0;  // by the usual formula
  const auto scale = [&](double weight) {
    return factor > 1.0 ? 0.1 * weight * std::log(factor) + 1.0 : 1.0;
  };
  return scale(above) / scale(below);
}

class RopeReader {
 public:
  RopeReader(const json& config, int64_t context, const RopeDefaults& defaults)
      : config_(config), rope_(rope_object(config)), context_(context), defaults_(defaults) {}

  RotaryOptions read() {
    RotaryOptions o;
    o.base = number("rope_theta", defaults_.base_key, defaults_.base);
    o.share = number("partial_rotary_factor", defaults_.share_key, defaults_.share);
    if (defaults_.whole_heads && o.share != 1.0) config_fail("\"partial_rotary_factor\" must be 1");
    type_ = config_value<std::string>(rope_, "rope_type",
                                      config_value<std::string>(rope_, "type", "default"));
    if (type_ == "default") return o;
    o.scaling = scaling();
    if (o.scaling == RotaryScaling::kYarn && rope_.contains("factor") &&
        rope_["factor"].is_null()) {
      o.factor = static_cast<double>(context_) / static_cast<double>(original_context());
    } else {
      o.factor = needed("factor");
    }
    if (o.scaling == RotaryScaling::kDynamic) o.original_context = context_;
    if (o.scaling == RotaryScaling::kLlama3) {
      o.low_frequency = needed("low_freq_factor");
      o.high_frequency = needed("high_freq_factor");
      o.original_context = original_context();
    }
    if (o.scaling == RotaryScaling::kYarn) {
      o.low_frequency = config_value(rope_, "beta_slow", 0.0);
      o.high_frequency = config_value(rope_, "beta_fast", 0.0);
      o.original_context = original_context();
      o.attention_factor = yarn_attention_factor(rope_, o.factor);
      o.whole_pairs = config_value(rope_, "truncate", true);
    }
    return o;
  }

 private:
  /// A number of rope_parameters, which older files have beside them.
  double number(const char* key, std::string_view beside, double otherwise) const {
    return config_value(rope_, key, config_value(config_, std::string(beside), otherwise));
  }
  RotaryScaling scaling() const {
    for (const auto kind : {RotaryScaling::kLinear, RotaryScaling::kDynamic, RotaryScaling::kYarn,
                            RotaryScaling::kLlama3})
      if (type_ == name_of(kind)) return kind;
    config_fail(
        "rope_type \"{}\" is not supported; known are default, linear, dynamic, yarn, llama3",
        type_.substr(0, 60));
  }
  double needed(const char* key) const {
    if (!rope_.contains(key)) config_fail("rope_type {} needs \"{}\"", type_, key);
    return json_value<double>(rope_[key], key);
  }
  /// A number beside rope_parameters wins, as in Phi's files.
  int64_t original_context() const {
    constexpr const char* kKey = "original_max_position_embeddings";
    return config_count(config_, kKey, config_count(rope_, kKey, context_));
  }

  const json& config_;
  json rope_;
  int64_t context_;
  RopeDefaults defaults_;
  std::string type_;
};

/// What transformers has no key or rope_type for stays away.
json rope_parameters(const RotaryOptions& o, const RopeDefaults& defaults) {
  json keys = {{"rope_theta", o.base}, {"rope_type", "default"}};
  if (!defaults.whole_heads) keys["partial_rotary_factor"] = o.share;
  if (o.scaling == RotaryScaling::kNone || o.scaling == RotaryScaling::kNtk) return keys;
  keys["rope_type"] = name_of(o.scaling);
  keys["factor"] = o.factor;
  if (o.scaling == RotaryScaling::kLlama3) {
    keys["low_freq_factor"] = low_frequency_of(o);
    keys["high_freq_factor"] = high_frequency_of(o);
    keys["original_max_position_embeddings"] = o.original_context;
  }
  if (o.scaling == RotaryScaling::kYarn) {
    keys["beta_slow"] = low_frequency_of(o);
    keys["beta_fast"] = high_frequency_of(o);
    keys["original_max_position_embeddings"] = o.original_context;
    if (o.attention_factor > 0.0) keys["attention_factor"] = o.attention_factor;
    if (!o.whole_pairs) keys["truncate"] = false;
  }
  return keys;
}

}  // namespace

void rope_keys(const ReadKeys& keys, RotaryOptions& rotary, int64_t context,
               const RopeDefaults& defaults) {
  rotary = RopeReader(keys.config(), context, defaults).read();
}

void rope_keys(WriteKeys& keys, const RotaryOptions& rotary, int64_t,
               const RopeDefaults& defaults) {
  keys.put("rope_parameters", rope_parameters(rotary, defaults));
}

}  // namespace zoo
