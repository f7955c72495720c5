// One form for all errors about options: which, what it must be, what it is.
#pragma once
#include <fmt/format.h>

#include <cstdint>
#include <initializer_list>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "base/option_error.h"

namespace zoo {

/// Throws OptionError, "heads must be 1 or more, got 0", unless `holds`. Other options that
/// `expected` names are written with option_name().
template <class T>
void require_option(bool holds, std::string_view option, const T& value,
                    std::string_view expected) {
  if (!holds)
    throw OptionError(fmt::format("{} must be {}, got {}", option_name(option), expected, value));
}

/// "1 or more"
inline void require_at_least(std::string_view option, int64_t value, int64_t least) {
  require_option(value >= least, option, value, fmt::format("{} or more", least));
}

/// A probability that may be 0 but not 1.
inline void require_probability(std::string_view option, double value) {
  require_option(value >= 0.0 && value < 1.0, option, value, "in [0, 1)");
}

/// Runs `checks` of a part whose options have other names in the whole: {"heads", "decoder-heads"}.
template <class Checks>
void check_renamed(
    std::initializer_list<std::pair<std::string_view, std::string_view>> names_in_whole,
    Checks&& checks) {
  try {
    checks();
  } catch (const OptionError& error) {
    throw error.renamed([&](std::string_view name) {
      for (const auto& [part, whole] : names_in_whole)
        if (name == part) return std::string(whole);
      return std::string(name);
    });
  }
}

/// The options themselves, after check().
template <class Options>
const Options& checked(const Options& options) {
  check(options);
  return options;
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
