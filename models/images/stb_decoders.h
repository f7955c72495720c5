// The only place that sees stb_image: pixels of PNG and JPEG, and deflate. Every allocation has a
// limit, whatever the file promises.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "app/png.h"

namespace zoo::detail {

struct ImageSize {
  int width = 0, height = 0;
};

/// Reads the header alone. Throws std::runtime_error with stb's reason.
ImageSize stb_image_size(std::string_view file);

/// No single allocation is larger than `most_bytes`. Throws std::runtime_error with stb's reason.
Image stb_decode(std::string_view file, size_t most_bytes);

/// What `deflated` (raw deflate, as in ZIP) stands for, which must be `size` bytes. Throws
/// std::runtime_error for other bytes.
std::string inflate(std::string_view deflated, size_t size);

}  // namespace zoo::detail
