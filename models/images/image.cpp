// What stb_image lets pass is checked here first: it neither compares sums nor minds a JPEG without
// an end.
#include "models/images/image.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "app/files.h"
#include "models/images/crc32.h"
#include "models/images/stb_decoders.h"

namespace zoo {
namespace {

constexpr std::string_view kPngStart = "\x89PNG\r\n\x1a\n";
constexpr std::string_view kJpegStart = "\xff\xd8\xff";

uint32_t big_endian(std::string_view bytes) {
  uint32_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<uint8_t>(byte);
  return value;
}

/// Chunks: length, type, data, sum of type and data; the last is IEND.
void check_png(std::string_view file) {
  for (size_t at = kPngStart.size(); at + 12 <= file.size();) {
    const size_t length = big_endian(file.substr(at, 4));
    if (length > file.size() - at - 12) break;
    const auto content = file.substr(at + 4, 4 + length);  // with its type
    if (crc32(content) != big_endian(file.substr(at + 8 + length, 4)))
      throw std::runtime_error("the file is damaged: a checksum is wrong");
    if (content.starts_with("IEND")) return;
    at += 12 + length;
  }
  throw std::runtime_error("the file is cut off");
}

/// Segments: 0xff, a marker, a length. After a scan's header (0xda) come its codes, in which 0xff
/// is followed by 0 or a restart marker. The end is 0xffd9.
void check_jpeg(std::string_view file) {
  const auto byte = [&](size_t at) { return static_cast<uint8_t>(file[at]); };
  for (size_t at = 2; at + 1 < file.size();) {
    const uint8_t marker = byte(at + 1);
    const bool is_code = marker == 0 || (marker >= 0xd0 && marker <= 0xd7);
    if (byte(at) != 0xff || marker == 0xff || is_code) {
      ++at;
    } else if (marker == 0xd9) {
      return;
    } else if (at + 3 < file.size()) {
      at += 2 + big_endian(file.substr(at + 2, 2));
    } else {
      break;
    }
  }
  throw std::runtime_error("the file is cut off");
}

/// stb calls a PNG of too many pixels unknown, so that its size is read here.
detail::ImageSize size_of(std::string_view file, bool is_png) {
  if (is_png && file.size() >= 24 && file.substr(12, 4) == "IHDR") {
    const uint32_t width = big_endian(file.substr(16, 4)), height = big_endian(file.substr(20, 4));
    if (width <= INT32_MAX && height <= INT32_MAX)
      return {static_cast<int>(width), static_cast<int>(height)};
  }
  return detail::stb_image_size(file);
}

/// More than stb needs for a picture of that size in any format, and far less than a bomb.
size_t memory_limit(detail::ImageSize size, size_t file_bytes) {
  const auto padded = static_cast<size_t>(size.width + 64) * static_cast<size_t>(size.height + 64);
  return std::max(16 * padded, 2 * file_bytes) + (size_t{1} << 20);
}

Image decode(std::string_view file, int64_t most_pixels) {
  const bool is_png = file.starts_with(kPngStart);
  if (file.empty()) throw std::runtime_error("the file is empty");
  if (!is_png && !file.starts_with(kJpegStart))
    throw std::runtime_error("neither PNG nor JPEG; convert it to one of them");
  const auto size = size_of(file, is_png);
  if (size.width < 1 || size.height < 1) throw std::runtime_error("a picture without pixels");
  if (int64_t{size.width} * size.height > most_pixels) {
    throw std::runtime_error(fmt::format("{} x {} pixels are more than the {} allowed; shrink it",
                                         size.width, size.height, most_pixels));
  }
  is_png ? check_png(file) : check_jpeg(file);
  return detail::stb_decode(file, memory_limit(size, file.size()));
}

}  // namespace

Image read_image(const std::filesystem::path& path, int64_t most_pixels) {
  return decode_image(read_file(path), path.string(), most_pixels);
}

Image decode_image(std::string_view bytes, std::string_view name, int64_t most_pixels) {
  try {
    return decode(bytes, most_pixels);
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(fmt::format("cannot read the picture {}: {}", name, error.what()));
  }
}

std::vector<uint8_t> luminance(const Image& image) {
  std::vector<uint8_t> grey(image.rgb.size() / 3);
  for (size_t i = 0; i < grey.size(); ++i) {
    const uint8_t* p = image.rgb.data() + 3 * i;
    grey[i] = static_cast<uint8_t>((19595u * p[0] + 38470u * p[1] + 7471u * p[2] + 0x8000u) >> 16);
  }
  return grey;
}

}  // namespace zoo
