// A family's keys of config.json, each declared once: its name, the option that it sets, what a
// missing one means. Two visitors walk over the declarations: ReadKeys takes the options from a
// file, WriteKeys puts them into one.
//
//   template <class Keys>
//   void vit_keys(Keys& keys, VitOptions& o) {
//     keys.count("hidden_size", o.d_model, 768);
//     keys.fixed("pooler_act", "tanh");  // all that the zoo has
//   }
#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "models/layers/feed_forward.h"

namespace zoo {

/// A second name of a key, which wins where both are there: the reference's `attribute_map`.
struct KeyAlias {
  std::string_view other, key;
};

/// null as the value of a key: the reference's classes allow it for some keys only.
enum class Null { kRefused, kMeansMissing };

/// Whether a family reads "layer_types", layers that see a window alone among others.
enum class LayerTypes { kRefused, kRead };

class ReadKeys {
 public:
  /// Throws std::runtime_error for a key that changes what every family computes and that the zoo
  /// does not know: quantized weights, layers that differ.
  explicit ReadKeys(const nlohmann::json& config, std::span<const KeyAlias> aliases = {},
                    LayerTypes layer_types = LayerTypes::kRefused);

  // Each throws std::runtime_error naming the key: another type, out of range, null where it means
  // nothing.

  /// A number of things, 1 to 2^31 - 1.
  void count(std::string_view key, int64_t& field, int64_t otherwise, Null null = Null::kRefused);
  /// The same where null is a value of its own: `null`.
  void count_or_null(std::string_view key, int64_t& field, int64_t otherwise, int64_t null);
  /// From 0 on.
  void index(std::string_view key, int64_t& field, int64_t otherwise);
  /// A size that another one gives where it is missing: 0.
  void width(std::string_view key, int64_t& field, Null null = Null::kRefused);
  void number(std::string_view key, double& field, double otherwise, Null null = Null::kRefused);
  /// A positive number; null is 0.
  void number_or_null(std::string_view key, double& field, double otherwise);
  void flag(std::string_view key, bool& field, bool otherwise, Null null = Null::kRefused);
  /// The reference's name of an activation.
  void activation(std::string_view key, Activation& field, std::string_view otherwise);
  /// The same of a gate: "silu" for SwiGLU.
  void gate(std::string_view key, Activation& field, std::string_view otherwise);
  /// A number, or a list of height and width.
  void sides(std::string_view key, int64_t& height, int64_t& width, int64_t otherwise);
  /// Heads that layers lack: {"0": [1, 3]}, as transformers 4 has it.
  void heads(std::string_view key, std::string& field);
  /// Which layers see a window alone, a letter each: L or G; `otherwise` where they are not listed.
  void layer_types(std::string& pattern, int64_t layers, const std::string& otherwise);
  /// A list of layers, as "0,3"; numbers that no layer has are left out, as in the reference.
  void layers(std::string_view key, std::string& field, int64_t layers);
  /// A key that may have one value: that of the family's code, or of what the zoo has of it.
  /// Missing is well, and null where it means that.
  void fixed(std::string_view key, const nlohmann::json& value, std::string_view why = {},
             Null null = Null::kMeansMissing);
  /// A key that may not be there.
  void absent(std::string_view key, std::string_view why);
  const nlohmann::json& config() const { return config_; }

 private:
  /// The key's value, null included, under its name or an alias; nothing where it is missing.
  const nlohmann::json* given(std::string_view key) const;
  /// The key's value, or nothing where it is missing (or null, where that means it).
  const nlohmann::json* find(std::string_view key, Null null) const;
  const nlohmann::json& config_;
  std::span<const KeyAlias> aliases_;
};

class WriteKeys {
 public:
  explicit WriteKeys(nlohmann::json& config) : config_(config) {}
  void count(std::string_view key, int64_t field, int64_t, Null = {}) { put(key, field); }
  /// A field of 0 is written as null.
  void count_or_null(std::string_view key, int64_t field, int64_t, int64_t);
  void index(std::string_view key, int64_t field, int64_t) { put(key, field); }
  void width(std::string_view key, int64_t field, Null = {}) { put(key, field); }
  void number(std::string_view key, double field, double, Null = {}) { put(key, field); }
  void number_or_null(std::string_view key, double field, double);
  void flag(std::string_view key, bool field, bool, Null = {}) { put(key, field); }
  void activation(std::string_view key, Activation field, std::string_view);
  void gate(std::string_view key, Activation field, std::string_view);
  void sides(std::string_view key, int64_t height, int64_t width, int64_t);
  void heads(std::string_view key, const std::string& field);  ///< nothing where all are there
  void layer_types(const std::string& pattern, int64_t layers, const std::string&);
  void layers(std::string_view key, const std::string& field, int64_t);
  // The reference's defaults say the same.
  void fixed(std::string_view, const nlohmann::json&, std::string_view = {}, Null = {}) {}
  void absent(std::string_view, std::string_view) {}
  void put(std::string_view key, nlohmann::json value) {
    config_[std::string(key)] = std::move(value);
  }

 private:
  nlohmann::json& config_;
};

}  // namespace zoo
