// Options structs (app/cli.h's visit()) to JSON and back: the "zoo" object of config.json, from
// which any set of options returns exactly.
#pragma once
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/named_enum.h"

namespace zoo {

/// A value as a message shows it: short, on one line. Lists and objects by kind only, because
/// nlohmann's dump() recurses and a hostile file may nest a million of them.
inline std::string json_text(const nlohmann::json& value) {
  using nlohmann::json;
  if (value.is_structured()) return value.is_array() ? "a list" : "an object";
  std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  return text.size() > 60 ? text.substr(0, 60) + "..." : text;
}

/// A JSON value as T, without the conversions that hide mistakes (1.5 as 1, true as 1). Throws
/// std::runtime_error naming the key.
template <class T>
T json_value(const nlohmann::json& value, std::string_view key) {
  const auto refuse = [&](std::string_view what) {
    throw std::runtime_error(fmt::format("\"{}\" must be {}, got {}", key, what, json_text(value)));
  };
  if constexpr (std::is_same_v<T, bool>) {
    if (!value.is_boolean()) refuse("true or false");
  } else if constexpr (std::is_integral_v<T>) {
    if (!value.is_number_integer() || (value.is_number_unsigned() && value > INT64_MAX)) {
      refuse("a whole number");
    }
  } else if constexpr (std::is_floating_point_v<T>) {
    if (!value.is_number()) refuse("a number");
  } else {
    if (!value.is_string()) refuse("a string");
  }
  return value.get<T>();
}

/// Every field under its name.
template <class Options>
nlohmann::json options_to_json(Options options) {
  auto json = nlohmann::json::object();
  visit(options, [&](std::string_view name, const auto& field, std::string_view) {
    using Field = std::remove_cvref_t<decltype(field)>;
    if constexpr (NamedEnum<Field>) {
      json[std::string(name)] = name_of(field);
    } else {
      json[std::string(name)] = field;
    }
  });
  return json;
}

/// Sets the fields that the object names and leaves the others. Throws std::runtime_error for a
/// name that is no field, std::invalid_argument for an unknown enumerator.
template <class Options>
void options_from_json(const nlohmann::json& json, Options& options) {
  if (!json.is_object()) throw std::runtime_error("\"zoo\" must be an object");
  std::set<std::string> unknown;
  for (const auto& [name, value] : json.items()) unknown.insert(name);
  visit(options, [&](std::string_view name, auto& field, std::string_view) {
    const auto found = json.find(std::string(name));
    if (found == json.end()) return;
    unknown.erase(std::string(name));
    using Field = std::remove_cvref_t<decltype(field)>;
    if constexpr (NamedEnum<Field>) {
      field = parse_enum<Field>(json_value<std::string>(*found, name));
    } else {
      field = json_value<Field>(*found, name);
    }
  });
  if (!unknown.empty()) {
    throw std::runtime_error(
        fmt::format("\"zoo\" has an unknown option \"{}\": was it written by a newer version?",
                    unknown.begin()->substr(0, 60)));
  }
}

}  // namespace zoo
