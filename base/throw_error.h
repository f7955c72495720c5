// One line to throw an error whose message has values in it.
#pragma once
#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace zoo {

/// Throws std::runtime_error with the formatted text.
template <class... Args>
[[noreturn]] void throw_error(fmt::format_string<Args...> text, Args&&... args) {
  throw std::runtime_error(fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace zoo
