// Heat maps as PNG files, and as data URIs for HTML pages.
#pragma once
#include <filesystem>
#include <span>
#include <string>

#include "base/image.h"

namespace zoo {

/// A matrix as colours (dark = `low`, bright = `high`). Each entry is a square of `cell` pixels.
Image heat_map(std::span<const float> values, int rows, int columns, float low, float high,
               int cell = 8);

/// Arranges pictures of equal size in a grid of `columns` columns, with a gap between them.
Image contact_sheet(std::span<const Image> images, int columns, int gap = 4);

/// The bytes of a PNG file.
std::string encode_png(const Image& image);
void write_png(const std::filesystem::path& path, const Image& image);
/// "data:image/png;base64,..." for <img src>.
std::string png_data_uri(const Image& image);

}  // namespace zoo
