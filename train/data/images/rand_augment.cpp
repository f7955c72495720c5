// RandAugment: Cubuk et al. 2019 (arXiv:1909.13719), with the ranges of AutoAugment (Cubuk et al.
// 2018, arXiv:1805.09501, Table 6). Differs from the papers: pixels are looked up at the nearest
// place, and what comes into the picture is black.
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>

#include "models/batching/random.h"
#include "train/data/images/augment.h"

namespace zoo {
namespace {

uint8_t to_byte(double value) {
  return static_cast<uint8_t>(std::lround(std::clamp(value, 0.0, 255.0)));
}

/// Where the pixel at (x, y) from the centre comes from.
struct Affine {
  double xx = 1, xy = 0, yx = 0, yy = 1;
};

void transform(Planes& image, const Affine& a) {
  const Planes old = image;
  const double cx = (image.width - 1) / 2.0, cy = (image.height - 1) / 2.0;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      const long from_x = std::lround(cx + a.xx * (x - cx) + a.xy * (y - cy));
      const long from_y = std::lround(cy + a.yx * (x - cx) + a.yy * (y - cy));
      const bool inside =
          from_x >= 0 && from_x < image.width && from_y >= 0 && from_y < image.height;
      for (int c = 0; c < image.channels; ++c) {
        image.at(c, y, x) =
            inside ? old.at(c, static_cast<int>(from_y), static_cast<int>(from_x)) : uint8_t{0};
      }
    }
  }
}

/// other + factor (image - other): 1 leaves the picture as it is, 0 gives `other`.
void blend(Planes& image, const std::vector<double>& other, double factor) {
  for (size_t i = 0; i < image.values.size(); ++i)
    image.values[i] = to_byte(other[i] + factor * (image.values[i] - other[i]));
}

/// The brightness of each pixel, for every channel.
std::vector<double> grey(const Planes& image) {
  std::vector<double> values(image.values.begin(), image.values.end());
  if (image.channels != 3) return values;
  const size_t plane = values.size() / 3;
  for (size_t i = 0; i < plane; ++i) {
    const double brightness =
        0.299 * values[i] + 0.587 * values[plane + i] + 0.114 * values[2 * plane + i];
    for (size_t c = 0; c < 3; ++c) values[c * plane + i] = brightness;
  }
  return values;
}

std::vector<double> mean_grey(const Planes& image) {
  auto values = grey(image);
  const double mean =
      std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  std::fill(values.begin(), values.end(), mean);
  return values;
}

/// A mean of each pixel's neighbourhood, the pixel itself counting five times; edges stay.
std::vector<double> smooth(const Planes& image) {
  std::vector<double> values(image.values.begin(), image.values.end());
  size_t i = 0;
  for (int c = 0; c < image.channels; ++c) {
    for (int y = 0; y < image.height; ++y) {
      for (int x = 0; x < image.width; ++x, ++i) {
        if (x == 0 || y == 0 || x == image.width - 1 || y == image.height - 1) continue;
        double sum = 4.0 * image.at(c, y, x);
        for (int dy = -1; dy <= 1; ++dy)
          for (int dx = -1; dx <= 1; ++dx) sum += image.at(c, y + dy, x + dx);
        values[i] = sum / 13.0;
      }
    }
  }
  return values;
}

/// Each value of each channel by a table that `make` draws up from how often values occur.
template <class Make>
void look_up(Planes& image, Make&& make) {
  const size_t plane = image.values.size() / static_cast<size_t>(image.channels);
  for (size_t c = 0; c < static_cast<size_t>(image.channels); ++c) {
    uint8_t* values = image.values.data() + c * plane;
    std::array<int64_t, 256> counts{};
    for (size_t i = 0; i < plane; ++i) ++counts[values[i]];
    const std::array<uint8_t, 256> table = make(counts);
    for (size_t i = 0; i < plane; ++i) values[i] = table[values[i]];
  }
}

/// The darkest value becomes 0, the brightest 255.
std::array<uint8_t, 256> stretched(const std::array<int64_t, 256>& counts) {
  int low = 0, high = 255;
  while (counts[static_cast<size_t>(low)] == 0) ++low;
  while (counts[static_cast<size_t>(high)] == 0) --high;
  std::array<uint8_t, 256> table;
  for (int v = 0; v < 256; ++v) {
    table[static_cast<size_t>(v)] =
        high > low ? to_byte(255.0 * (v - low) / (high - low)) : static_cast<uint8_t>(v);
  }
  return table;
}

/// Every value becomes the share of pixels that are darker.
std::array<uint8_t, 256> equalized(const std::array<int64_t, 256>& counts) {
  const int64_t total = std::accumulate(counts.begin(), counts.end(), int64_t{0});
  const int64_t brightest =
      *std::find_if(counts.rbegin(), counts.rend(), [](auto n) { return n > 0; });
  std::array<uint8_t, 256> table;
  int64_t darker = 0;
  for (size_t v = 0; v < 256; ++v) {
    table[v] =
        total > brightest
            ? to_byte(255.0 * static_cast<double>(darker) / static_cast<double>(total - brightest))
            : static_cast<uint8_t>(v);
    darker += counts[v];
  }
  return table;
}

void solarize(Planes& image, double threshold) {
  for (uint8_t& value : image.values)
    if (value >= threshold) value = static_cast<uint8_t>(255 - value);
}

void posterize(Planes& image, int bits) {
  for (uint8_t& value : image.values) value = static_cast<uint8_t>(value & (0xFF << (8 - bits)));
}

void rotate(Planes& image, double degrees) {
  const double angle = degrees * std::numbers::pi / 180.0;
  transform(image, {std::cos(angle), std::sin(angle), -std::sin(angle), std::cos(angle)});
}

/// strength: in [-1, 1], the sign drawn.
void apply(Planes& image, uint64_t operation, double strength) {
  constexpr double kTurn = 30.0, kShear = 0.3, kShift = 150.0 / 331.0, kBlend = 0.9;
  const double size = std::abs(strength);
  switch (operation) {
    case 0:
      return;  // identity
    case 1:
      return look_up(image, stretched);
    case 2:
      return look_up(image, equalized);
    case 3:
      return rotate(image, kTurn * strength);
    case 4:
      return solarize(image, 256.0 * (1.0 - size));
    case 5:
      return blend(image, grey(image), 1.0 + kBlend * strength);  // colour
    case 6:
      return posterize(image, 8 - static_cast<int>(std::lround(4.0 * size)));
    case 7:
      return blend(image, mean_grey(image), 1.0 + kBlend * strength);  // contrast
    case 8:
      return blend(image, std::vector<double>(image.values.size()), 1.0 + kBlend * strength);
    case 9:
      return blend(image, smooth(image), 1.0 + kBlend * strength);  // sharpness
    case 10:
      return transform(image, {.xy = kShear * strength});
    case 11:
      return transform(image, {.yx = kShear * strength});
    case 12:
      return translate(image, static_cast<int>(std::lround(kShift * strength * image.width)), 0);
    default:
      return translate(image, 0, static_cast<int>(std::lround(kShift * strength * image.height)));
  }
}

}  // namespace

void rand_augment(Planes& image, int64_t operations, int64_t magnitude, std::mt19937_64& random) {
  constexpr uint64_t kOperations = 14;
  const double strength = static_cast<double>(magnitude) / 10.0;
  for (int64_t n = 0; n < operations; ++n) {
    const uint64_t operation = random() % kOperations;
    const bool negative = random() % 2 == 0;
    apply(image, operation, negative ? -strength : strength);
  }
}

}  // namespace zoo
