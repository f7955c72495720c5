#include "tokenizers/stages/json_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace zoo::fields {

using nlohmann::json;

namespace {

constexpr size_t kDeepestJson = 500;

/// Ignores brackets in strings; whether the text is valid JSON is left to the parser.
bool nested_too_deeply(std::string_view text) {
  size_t depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      quoted = !quoted;
    } else if (quoted) {
      i += c == '\\';
    } else if (c == '[' || c == '{') {
      if (++depth > kDeepestJson) return true;
    } else if (c == ']' || c == '}') {
      depth -= depth > 0;
    }
  }
  return false;
}

}  // namespace

json parse(std::string_view text) {
  if (nested_too_deeply(text)) return json(json::value_t::discarded);
  return json::parse(text, nullptr, /*allow_exceptions=*/false);
}

std::string on_one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return text;
}

void check_object(const json& object, std::string_view part) {
  if (object.is_object()) return;
  throw std::runtime_error(
      fmt::format("{}: expected a JSON object, got {}", part, object.type_name()));
}

const json& required(const json& object, const char* key, std::string_view part) {
  check_object(object, part);
  const auto found = object.find(key);
  if (found == object.end())
    throw std::runtime_error(fmt::format("{}: '{}' is missing", part, key));
  return *found;
}

bool boolean(const json& object, const char* key, std::string_view part) {
  const json& value = required(object, key, part);
  if (!value.is_boolean()) fail(part, key, "true or false", value);
  return value.get<bool>();
}

bool boolean(const json& object, const char* key, std::string_view part, bool otherwise) {
  check_object(object, part);
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return otherwise;
  return boolean(object, key, part);
}

std::string text(const json& object, const char* key, std::string_view part) {
  const json& value = required(object, key, part);
  if (!value.is_string()) fail(part, key, "a string", value);
  return value.get<std::string>();
}

std::optional<std::string> optional_text(const json& object, const char* key,
                                         std::string_view part) {
  check_object(object, part);
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return std::nullopt;
  return text(object, key, part);
}

void fail(std::string_view part, const char* key, std::string_view expected, const json& got) {
  throw std::runtime_error(
      fmt::format("{}: '{}' must be {}, got {}", part, key, expected, got.type_name()));
}

}  // namespace zoo::fields
