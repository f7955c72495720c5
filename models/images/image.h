// Pictures from files: PNG and JPEG of any kind as 8-bit RGB.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

#include "app/png.h"

namespace zoo {

/// Pixels that a picture may have: a small file can claim billions.
inline constexpr int64_t kMostPixels = 100'000'000;

/// As PIL's Image.open(...).convert("RGB"): grey is repeated, palettes are looked up, alpha is left
/// out (not blended). Differs from it: 16 bits keep their upper 8 in grey pictures too, where PIL
/// shows everything from 255 on as white; JPEG's values may be off by a few levels, since decoders
/// round in their own ways. Nothing is turned as EXIF says.
/// Throws std::runtime_error that begins with the path for what is no PNG or JPEG, is cut off,
/// damaged, or larger than `most_pixels`, before pixels are decoded.
Image read_image(const std::filesystem::path& path, int64_t most_pixels = kMostPixels);

/// The same for the bytes of a file; `name` stands in the messages.
Image decode_image(std::string_view bytes, std::string_view name,
                   int64_t most_pixels = kMostPixels);

/// Brightness as PIL's convert("L"), one byte a pixel: ITU-R 601-2 in 16 bits of fixed point.
std::vector<uint8_t> luminance(const Image& image);

}  // namespace zoo
