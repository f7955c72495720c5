// A limit for the size in a file's header, to be checked before memory is allocated.
#pragma once
#include <fmt/format.h>

#include <cstdint>
#include <stdexcept>

namespace zoo::detail {

/// Throws std::runtime_error for a picture without pixels, or with more than `most`.
inline void check_pixels(int64_t width, int64_t height, int64_t most) {
  if (width < 1 || height < 1) throw std::runtime_error("a picture without pixels");
  if (width > most / height) {
    throw std::runtime_error(
        fmt::format("{} x {} pixels are more than the {} allowed; shrink it", width, height, most));
  }
}

}  // namespace zoo::detail
