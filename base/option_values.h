// An option's value as text and back, for flags and recipes.
#pragma once
#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/named_enum.h"

namespace zoo {

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;

/// Stands for `key = []`: CLI11 cannot pass on an option that was given no value.
inline constexpr std::string_view kEmptyList = "\x1f[]";

/// The type that --help shows after a flag.
template <class T>
std::string type_word() {
  if constexpr (is_optional<T> || is_vector<T>) {
    return type_word<typename T::value_type>();
  } else if constexpr (std::is_same_v<T, bool>) {
    return "BOOL";
  } else if constexpr (std::is_integral_v<T>) {
    return "INT";
  } else if constexpr (std::is_floating_point_v<T>) {
    return "NUMBER";
  } else if constexpr (std::is_same_v<T, std::filesystem::path>) {
    return "PATH";
  } else if constexpr (NamedEnum<T>) {
    return "NAME";
  } else {
    return "TEXT";
  }
}

/// The typed value of `text`. Throws std::invalid_argument: "must be a whole number from 0 to 255,
/// not '2.5'".
template <class T>
T parse_value(std::string_view text) {
  if constexpr (std::is_same_v<T, bool>) {
    for (std::string_view yes : {"true", "on", "yes", "1"}) {
      if (text == yes) return true;
    }
    for (std::string_view no : {"false", "off", "no", "0"}) {
      if (text == no) return false;
    }
    throw std::invalid_argument(fmt::format("must be true or false, not '{}'", text));
  } else if constexpr (std::is_arithmetic_v<T>) {
    std::string_view digits = text.starts_with('+') ? text.substr(1) : text;
    T value{};
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    bool good = error == std::errc() && end == digits.data() + digits.size();
    // from_chars accepts "nan" and "inf"; no option does.
    if constexpr (std::is_floating_point_v<T>) good = good && std::isfinite(value);
    if (good) return value;
    if constexpr (std::is_integral_v<T>) {
      throw std::invalid_argument(fmt::format("must be a whole number from {} to {}, not '{}'",
                                              std::numeric_limits<T>::min(),
                                              std::numeric_limits<T>::max(), text));
    } else {
      throw std::invalid_argument(fmt::format("must be a number, not '{}'", text));
    }
  } else if constexpr (NamedEnum<T>) {
    return parse_enum<T>(text);
  } else {
    return T(std::string(text));
  }
}

/// Parses all texts that were given for one option.
template <class T>
void read_values(const std::vector<std::string>& texts, T& field) {
  if constexpr (is_vector<T>) {
    field.clear();
    if (texts.size() == 1 && texts[0] == kEmptyList) return;
    for (const std::string& text : texts) {
      field.push_back(parse_value<typename T::value_type>(text));
    }
  } else if (texts.empty() || texts.back() == kEmptyList) {
    throw std::invalid_argument("needs a value");
  } else if constexpr (is_optional<T>) {
    field = parse_value<typename T::value_type>(texts.back());
  } else {
    field = parse_value<T>(texts.back());
  }
}

/// A string as a recipe writes it: in double quotes, with escapes.
std::string quote_text(std::string_view text);

/// The value in a recipe's syntax, which parse_value reads back exactly; nullopt for an empty
/// std::optional.
template <class T>
std::optional<std::string> recipe_value(const T& value) {
  if constexpr (is_optional<T>) {
    return value ? recipe_value(*value) : std::nullopt;
  } else if constexpr (is_vector<T>) {
    std::string list;
    for (const auto& element : value) {
      list += (list.empty() ? "" : ", ") + *recipe_value<typename T::value_type>(element);
    }
    return "[" + list + "]";
  } else if constexpr (std::is_arithmetic_v<T>) {
    return fmt::format("{}", value);
  } else if constexpr (NamedEnum<T>) {
    return quote_text(name_of(value));
  } else if constexpr (std::is_same_v<T, std::filesystem::path>) {
    return quote_text(value.string());
  } else {
    return quote_text(value);
  }
}

}  // namespace zoo
