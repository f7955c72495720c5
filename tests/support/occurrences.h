// How often a text holds another.
#pragma once
#include <cstddef>
#include <string_view>

namespace zoo::testing {

/// Occurrences of `part`, overlapping ones too.
inline size_t occurrences(std::string_view text, std::string_view part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

}  // namespace zoo::testing
