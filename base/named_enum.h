// Enumerators with names, for command lines, config.json and messages.
#pragma once
#include <istream>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace zoo {

/// Specialise with `static constexpr std::string_view what` ("norm") and
/// `static constexpr std::pair<E, std::string_view> values[]`.
template <class E>
struct EnumNames;

template <class E>
concept NamedEnum = requires {
  EnumNames<E>::values;
};

template <NamedEnum E>
std::string_view name_of(E e) {
  for (const auto& [value, name] : EnumNames<E>::values) {
    if (value == e) return name;
  }
  return "?";
}

/// "layer, rms"
template <NamedEnum E>
std::string known_names() {
  std::string list;
  for (const auto& [value, name] : EnumNames<E>::values) {
    list += list.empty() ? "" : ", ";
    list += name;
  }
  return list;
}

/// Throws std::invalid_argument, with a list of the names.
template <NamedEnum E>
E parse_enum(std::string_view text) {
  for (const auto& [value, name] : EnumNames<E>::values) {
    if (name == text) return value;
  }
  throw std::invalid_argument("unknown " + std::string(EnumNames<E>::what) + " '" +
                              std::string(text) + "'; known are: " + known_names<E>());
}

/// Lets CLI11 read and print enumerators.
template <NamedEnum E>
std::ostream& operator<<(std::ostream& out, E e) {
  return out << name_of(e);
}
template <NamedEnum E>
std::istream& operator>>(std::istream& in, E& e) {
  std::string text;
  in >> text;
  e = parse_enum<E>(text);
  return in;
}

}  // namespace zoo
