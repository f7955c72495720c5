// Pictures from PNG and JPEG files as 8-bit RGB.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

#include "base/image.h"

namespace zoo {

/// The most pixels of a picture: the header of a small file can claim billions.
inline constexpr int64_t kMostPixels = 100'000'000;

/// Like `transformers.image_utils.load_image`: oriented by EXIF or XMP
/// (models/images/orientation.h), then PIL's convert("RGB"): grey is repeated, palettes are
/// resolved, alpha is dropped, so that the colours of transparent pixels show. Values of JPEG files
/// may differ by a few levels with another version of libjpeg. Throws std::runtime_error, which
/// begins with the path, for other formats, and for files that are truncated, damaged, or larger
/// than `most_pixels`, before pixels are decoded.
Image read_image(const std::filesystem::path& path, int64_t most_pixels = kMostPixels);

/// The same for the bytes of a file; messages begin with `name`.
Image decode_image(std::string_view bytes, std::string_view name,
                   int64_t most_pixels = kMostPixels);

/// Brightness like PIL's convert("L"), one byte a pixel: ITU-R 601-2 in 16-bit fixed point.
std::vector<uint8_t> luminance(const Image& image);

}  // namespace zoo
