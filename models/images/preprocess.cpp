#include "models/images/preprocess.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "models/images/image.h"

namespace zoo {
namespace {

/// A side that follows from the other one in proportion, cut off as Python's int() does.
int in_proportion(int shortest, int longer, int shorter) {
  const int64_t side = int64_t{shortest} * longer / shorter;
  if (int64_t{shortest} * side > kMostPixels) {
    throw std::runtime_error(
        fmt::format("a picture of {} x {} pixels is too long to be resized to a shorter side of "
                    "{}; cut it",
                    longer, shorter, shortest));
  }
  return static_cast<int>(side);
}

Image resized(const Image& image, const ImagePreprocessing& o) {
  if (o.shortest_edge == 0) return resize(image, o.width, o.height, o.resample);
  const int edge = o.shortest_edge, W = image.width, H = image.height;
  return W <= H ? resize(image, edge, in_proportion(edge, H, W), o.resample)
                : resize(image, in_proportion(edge, W, H), edge, o.resample);
}

/// Rounds down, as Python's //.
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
  value -= of(o.mean);  // two roundings, as in NumPy
  return value / of(o.std);
}

}  // namespace

Image resized_and_cropped(const Image& image, const ImagePreprocessing& o) {
  Image seen = o.resize ? resized(image, o) : image;
  return o.center_crop ? cropped(seen, o.crop_height, o.crop_width) : seen;
}

PixelValues preprocess(const Image& image, const ImagePreprocessing& o, int channels) {
  check_channels(o, channels);
  // Greyness first, as a file of grey pixels has it: then rounding happens in the same order.
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
  return pixels;
}

}  // namespace zoo
