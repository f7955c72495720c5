// Values of a checkpoint's config.json with the reference's defaults, each checked and named in its
// message.
#pragma once
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>

#include "models/pretrained/options_json.h"

namespace zoo::detail {

template <class... Args>
[[noreturn]] void fail(fmt::format_string<Args...> text, Args&&... args) {
  throw std::runtime_error(fmt::format(text, std::forward<Args>(args)...));
}

/// The value of a key; the default where it is missing or null, as in the reference.
template <class T>
T get(const nlohmann::json& config, const std::string& key, T otherwise) {
  const auto found = config.find(key);
  return found == config.end() || found->is_null() ? otherwise : json_value<T>(*found, key);
}

/// A number of things: at least 1, and small enough that products of two cannot overflow.
inline int64_t count(const nlohmann::json& config, const std::string& key, int64_t otherwise) {
  const auto value = get<int64_t>(config, key, otherwise);
  if (value < 1 || value > INT32_MAX) fail("\"{}\" must be positive, got {}", key, value);
  return value;
}

/// A "zoo" that says something else than the reference's keys: somebody edited one and not the
/// other, and the model would not be what Python makes of it.
inline void check_agreement(const nlohmann::json& given, const nlohmann::json& expected) {
  for (const auto& [key, ours] : expected.items()) {
    const auto found = given.find(key);
    if (found == given.end() || found->is_null() || *found == ours) continue;
    fail("\"{}\" is {}, but \"zoo\" makes it {}: change both, or remove \"zoo\"", key,
         json_text(*found), ours.dump());
  }
}

}  // namespace zoo::detail
