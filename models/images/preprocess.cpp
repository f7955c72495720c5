#include "models/images/preprocess.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "models/images/image.h"

namespace zoo {
namespace {

struct Sides {
  int64_t height, width;
};

/// The shorter side, and the other in proportion, truncated like Python's int().
Sides by_shortest(int64_t edge, int64_t H, int64_t W) {
  return W <= H ? Sides{edge * H / W, edge} : Sides{edge, edge * W / H};
}

/// The same with a limit for the other side, in floats like the reference, for equal rounding.
Sides by_both_edges(int64_t shortest, int64_t longest, int64_t H, int64_t W) {
  const auto smaller = static_cast<double>(std::min(H, W));
  const auto larger = static_cast<double>(std::max(H, W));
  auto exact = static_cast<double>(shortest);
  if (larger / smaller * exact > static_cast<double>(longest))
    exact = static_cast<double>(longest) * smaller / larger;
  const auto edge = static_cast<int64_t>(std::nearbyint(exact));  // to even, like Python's round()
  if (std::min(H, W) == edge) return {H, W};
  const auto other = static_cast<int64_t>(exact * larger / smaller);
  return W < H ? Sides{other, edge} : Sides{edge, other};
}

Sides within(int64_t height, int64_t width, int64_t H, int64_t W) {
  const auto h = static_cast<double>(H), w = static_cast<double>(W);
  const double scale = std::min(static_cast<double>(height) / h, static_cast<double>(width) / w);
  return {static_cast<int64_t>(h * scale), static_cast<int64_t>(w * scale)};
}

Sides new_sides(const ImagePreprocessing& o, int64_t H, int64_t W) {
  if (o.longest_edge > 0) return by_both_edges(o.shortest_edge, o.longest_edge, H, W);
  if (o.shortest_edge > 0) return by_shortest(o.shortest_edge, H, W);
  if (o.max_height > 0) return within(o.max_height, o.max_width, H, W);
  return {o.height, o.width};
}

Image resized(const Image& image, const ImagePreprocessing& o) {
  const auto [height, width] = new_sides(o, image.height, image.width);
  if (height < 1 || width < 1 || width > kMostPixels / height) {
    throw std::runtime_error(
        fmt::format("a picture of {} x {} pixels is too long to be resized to {} x {}; crop it",
                    image.height, image.width, height, width));
  }
  return resize(image, static_cast<int>(width), static_cast<int>(height), o.resample);
}

/// Rounds down, like Python's //.
int half(int difference) { return (difference - (difference < 0 ? 1 : 0)) / 2; }

Image cropped(const Image& image, int height, int width) {
  Image out{width, height, std::vector<uint8_t>(static_cast<size_t>(height) * width * 3)};
  const int top = half(image.height - height), left = half(image.width - width);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const int from_y = y + top, from_x = x + left;
      if (from_y < 0 || from_y >= image.height || from_x < 0 || from_x >= image.width) continue;
      const auto* p =
          image.rgb.data() + (static_cast<ptrdiff_t>(from_y) * image.width + from_x) * 3;
      std::copy(p, p + 3, out.rgb.begin() + (static_cast<ptrdiff_t>(y) * width + x) * 3);
    }
  }
  return out;
}

void check_channels(const ImagePreprocessing& o, int channels) {
  const auto fits = [&](const std::vector<double>& values) {
    return values.size() == 1 || std::ssize(values) == channels;
  };
  if (channels != 1 && channels != 3)
    throw std::invalid_argument(fmt::format("pictures have 1 or 3 channels, not {}", channels));
  if (o.normalize && !(fits(o.mean) && fits(o.std))) {
    throw std::invalid_argument(
        fmt::format("image_mean and image_std have {} and {} values, for a model of {} channels",
                    o.mean.size(), o.std.size(), channels));
  }
}

float value_of(uint8_t byte, const ImagePreprocessing& o, size_t channel) {
  const double scaled = o.rescale ? byte * o.rescale_factor : byte;
  auto value = static_cast<float>(scaled);
  if (!o.normalize) return value;
  const auto of = [&](const std::vector<double>& values) {
    return static_cast<float>(values[values.size() == 1 ? 0 : channel]);
  };
  value -= of(o.mean);  // rounded twice, as in NumPy
  return value / of(o.std);
}

/// Zeros below and to the right, added after normalisation.
PixelValues padded(const PixelValues& pixels, int64_t height, int64_t width) {
  if (pixels.height > height || pixels.width > width) {
    throw std::runtime_error(fmt::format("a picture of {} x {} pixels cannot be padded to {} x {}",
                                         pixels.height, pixels.width, height, width));
  }
  PixelValues out{pixels.channels, height, width, {}};
  out.values.resize(static_cast<size_t>(pixels.channels * height * width));
  for (int64_t row = 0; row < pixels.channels * pixels.height; ++row) {
    const int64_t to = row / pixels.height * height + row % pixels.height;
    std::copy_n(pixels.values.begin() + row * pixels.width, pixels.width,
                out.values.begin() + to * width);
  }
  return out;
}

}  // namespace

Image resized_and_cropped(const Image& image, const ImagePreprocessing& o) {
  Image seen = o.resize ? resized(image, o) : image;
  return o.center_crop ? cropped(seen, o.crop_height, o.crop_width) : seen;
}

PixelValues preprocess(const Image& image, const ImagePreprocessing& o, int channels) {
  check_channels(o, channels);
  // Convert to grey first, as in a file of grey pixels, for the same order of roundings.
  Image source = image;
  if (channels == 1) {
    const auto grey = luminance(image);
    for (size_t i = 0; i < source.rgb.size(); ++i) source.rgb[i] = grey[i / 3];
  }
  const Image seen = resized_and_cropped(source, o);
  PixelValues pixels{channels, seen.height, seen.width, {}};
  pixels.values.reserve(static_cast<size_t>(channels) * seen.rgb.size() / 3);
  for (size_t c = 0; c < static_cast<size_t>(channels); ++c) {
    for (size_t i = c; i < seen.rgb.size(); i += 3)
      pixels.values.push_back(value_of(seen.rgb[i], o, c));
  }
  return o.pad_height > 0 ? padded(pixels, o.pad_height, o.pad_width) : pixels;
}

}  // namespace zoo
