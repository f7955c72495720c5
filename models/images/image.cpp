#include "models/images/image.h"

#include <fmt/format.h>

#include <stdexcept>

#include "base/files.h"
#include "models/images/jpeg_reader.h"
#include "models/images/png_reader.h"

namespace zoo {
namespace {

Image decode(std::string_view file, int64_t most_pixels) {
  if (file.empty()) throw std::runtime_error("the file is empty");
  if (file.starts_with(detail::kPngStart)) {
    const auto notes = detail::check_png(file);
    return turned(detail::read_png(file, most_pixels), orientation_of(notes));
  }
  if (file.starts_with(detail::kJpegStart)) {
    auto picture = detail::read_jpeg(file, most_pixels);
    return turned(std::move(picture.image), orientation_of(picture.notes));
  }
  throw std::runtime_error("neither PNG nor JPEG; convert it to one of them");
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
