// Pictures from files: PNG and JPEG of any kind as 8-bit RGB.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

#include "base/image.h"

namespace zoo {

/// Pixels that a picture may have: a small file can claim billions.
inline constexpr int64_t kMostPixels = 100'000'000;

/// As `transformers.image_utils.load_image`: turned as EXIF or XMP says (models/images/
/// orientation.h), then PIL's convert("RGB"): grey is repeated, palettes are looked up, alpha is
/// left out, so that the colours under transparent places show. Values of JPEG files may be off by
/// a few levels where libjpeg is another version. Throws std::runtime_error that begins with the
/// path for what is no PNG or JPEG, is cut off, damaged, or larger than `most_pixels`, before
/// pixels are decoded.
Image read_image(const std::filesystem::path& path, int64_t most_pixels = kMostPixels);

/// The same for the bytes of a file; `name` stands in the messages.
Image decode_image(std::string_view bytes, std::string_view name,
                   int64_t most_pixels = kMostPixels);

/// Brightness as PIL's convert("L"), one byte a pixel: ITU-R 601-2 in 16 bits of fixed point.
std::vector<uint8_t> luminance(const Image& image);

}  // namespace zoo
