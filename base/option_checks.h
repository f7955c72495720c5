// One form for all complaints about options: which, what it must be, what it is.
#pragma once
#include <fmt/format.h>

#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace zoo {

/// Throws std::invalid_argument, "--heads must be 1 or more, got 0", unless `holds`.
template <class T>
void require_option(bool holds, std::string_view option, const T& value,
                    std::string_view expected) {
  if (!holds)
    throw std::invalid_argument(fmt::format("--{} must be {}, got {}", option, expected, value));
}

/// The preset of this name. Throws std::invalid_argument that lists the known ones.
template <class Options, size_t N>
Options find_preset(const std::pair<std::string_view, Options (*)()> (&presets)[N],
                    std::string_view name) {
  std::string known;
  for (const auto& [preset, make] : presets) {
    if (preset == name) return make();
    known += (known.empty() ? "" : ", ") + std::string(preset);
  }
  throw std::invalid_argument(fmt::format("unknown preset '{}'; known are: {}", name, known));
}

}  // namespace zoo
