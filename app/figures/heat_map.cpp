#include "app/figures/heat_map.h"

#include <fmt/format.h>
#include <png.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

#include "base/base64.h"
#include "base/files.h"

namespace zoo {
namespace {

// Dark blue over magenta to pale yellow. Brightness rises evenly, so the picture also works in
// greyscale.
constexpr std::array<std::array<float, 3>, 6> kColours = {
    {{4, 5, 30}, {62, 18, 105}, {141, 38, 110}, {215, 68, 75}, {250, 149, 45}, {252, 250, 190}}};

std::array<uint8_t, 3> colour(float position) {
  const float scaled = std::clamp(position, 0.0f, 1.0f) * (kColours.size() - 1);
  const size_t lower = std::min(static_cast<size_t>(scaled), kColours.size() - 2);
  const float part = scaled - static_cast<float>(lower);
  std::array<uint8_t, 3> rgb;
  for (size_t c = 0; c < 3; ++c) {
    const float value = kColours[lower][c] * (1 - part) + kColours[lower + 1][c] * part;
    rgb[c] = static_cast<uint8_t>(std::lround(value));
  }
  return rgb;
}

void check(const Image& image) {
  const size_t expected = static_cast<size_t>(std::max(image.width, 0)) *
                          static_cast<size_t>(std::max(image.height, 0)) * 3;
  if (expected == 0 || image.rgb.size() != expected) {
    throw std::invalid_argument(
        fmt::format("picture: {} x {} pixels need {} bytes, not {}; both sides must be positive",
                    image.width, image.height, expected, image.rgb.size()));
  }
}

}  // namespace

Image heat_map(std::span<const float> values, int rows, int columns, float low, float high,
               int cell) {
  if (rows < 1 || columns < 1 || cell < 1 ||
      values.size() != static_cast<size_t>(rows) * static_cast<size_t>(columns)) {
    throw std::invalid_argument(
        fmt::format("heat map: {} values do not fill {} rows of {}", values.size(), rows, columns));
  }
  Image image{columns * cell, rows * cell, {}};
  image.rgb.resize(static_cast<size_t>(image.width) * image.height * 3);
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      const float value = values[static_cast<size_t>(y / cell) * columns + x / cell];
      // NaN is drawn in mid grey, which is not on the scale.
      const auto rgb = std::isnan(value) ? std::array<uint8_t, 3>{128, 128, 128}
                       : high > low      ? colour((value - low) / (high - low))
                                         : colour(0);
      std::copy(rgb.begin(), rgb.end(),
                image.rgb.begin() + (static_cast<ptrdiff_t>(y) * image.width + x) * 3);
    }
  }
  return image;
}

Image contact_sheet(std::span<const Image> images, int columns, int gap) {
  if (images.empty() || columns < 1 || gap < 0) {
    throw std::invalid_argument("contact sheet: needs a picture, a column and a gap of at least 0");
  }
  const int width = images[0].width, height = images[0].height;
  const int count = static_cast<int>(images.size());
  columns = std::min(columns, count);
  const int rows = (count + columns - 1) / columns;
  Image sheet{columns * (width + gap) - gap, rows * (height + gap) - gap, {}};
  sheet.rgb.assign(static_cast<size_t>(sheet.width) * sheet.height * 3, 255);
  for (int i = 0; i < count; ++i) {
    check(images[i]);
    if (images[i].width != width || images[i].height != height) {
      throw std::invalid_argument("contact sheet: the pictures differ in size");
    }
    const ptrdiff_t left = (i % columns) * (width + gap), top = (i / columns) * (height + gap);
    for (int y = 0; y < height; ++y) {
      const auto row = images[i].rgb.begin() + static_cast<ptrdiff_t>(y) * width * 3;
      std::copy(row, row + static_cast<ptrdiff_t>(width) * 3,
                sheet.rgb.begin() + ((top + y) * sheet.width + left) * 3);
    }
  }
  return sheet;
}

std::string encode_png(const Image& image) {
  check(image);
  png_image png = {};
  png.version = PNG_IMAGE_VERSION;
  png.width = static_cast<png_uint_32>(image.width);
  png.height = static_cast<png_uint_32>(image.height);
  png.format = PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(png);  // upper bound
  std::string bytes(size, '\0');
  if (png_image_write_to_memory(&png, bytes.data(), &size, 0, image.rgb.data(), 0, nullptr) == 0) {
    throw std::runtime_error(fmt::format("cannot encode a picture of {} x {} pixels: {}",
                                         image.width, image.height, png.message));
  }
  bytes.resize(size);
  return bytes;
}

void write_png(const std::filesystem::path& path, const Image& image) {
  write_file(path, encode_png(image));
}

std::string png_data_uri(const Image& image) {
  return "data:image/png;base64," + encode_base64(encode_png(image));
}

}  // namespace zoo
