// One form for all errors in options: name, allowed values, value.
#pragma once
#include <fmt/format.h>

#include <stdexcept>
#include <string_view>

namespace zoo::detail {

/// Throws std::invalid_argument, "top-p must be above 0 and at most 1, got 2"; a caller with a
/// command line adds the dashes.
template <class T>
void require(bool holds, std::string_view name, std::string_view what, const T& value) {
  if (!holds) throw std::invalid_argument(fmt::format("{} must be {}, got {}", name, what, value));
}

}  // namespace zoo::detail
