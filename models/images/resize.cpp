// Two passes, along rows and along columns; each output is a weighted sum of the inputs under a
// filter that widens as the picture shrinks. Weights have 22 bits behind the point, as in Pillow.
#include "models/images/resize.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

namespace zoo {
namespace {

constexpr int kPrecision = 22;

double sinc(double x) {
  const double angle = std::numbers::pi * x;
  return x == 0.0 ? 1.0 : std::sin(angle) / angle;
}

double box(double x) { return x > -0.5 && x <= 0.5 ? 1.0 : 0.0; }
double bilinear(double x) { return std::max(0.0, 1.0 - std::abs(x)); }
double hamming(double x) {
  return std::abs(x) < 1.0 ? sinc(x) * (0.54 + 0.46 * std::cos(std::numbers::pi * x)) : 0.0;
}
/// Keys's cubic with a = -1/2.
double bicubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
  return x < 2.0 ? (((x - 5.0) * x + 8.0) * x - 4.0) * a : 0.0;
}
/// Costella's Magic Kernel Sharp (johncostella.com/magic): a B-spline, sharpened to compensate its
/// blur. The version of 2021 compensates more than that of 2013.
double magic_2013(double x) {
  x = std::abs(x);
  if (x < 0.5) return 17.0 / 16.0 - 7.0 / 4.0 * (x * x);
  if (x < 1.5) return (1.0 - x) * (7.0 / 4.0 - x);
  return x < 2.5 ? -1.0 / 8.0 * ((x - 2.5) * (x - 2.5)) : 0.0;
}
double magic_2021(double x) {
  x = std::abs(x);
  if (x < 0.5) return 577.0 / 576.0 - 239.0 / 144.0 * (x * x);
  if (x < 1.5) return 35.0 / 36.0 * (x - 1.0) * (x - 239.0 / 140.0);
  if (x < 2.5) return 1.0 / 6.0 * (x - 2.0) * (65.0 / 24.0 - x);
  if (x < 3.5) return 1.0 / 36.0 * (x - 3.0) * (x - 15.0 / 4.0);
  return x < 4.5 ? -1.0 / 288.0 * ((x - 4.5) * (x - 4.5)) : 0.0;
}
double lanczos(double x) { return x >= -3.0 && x < 3.0 ? sinc(x) * sinc(x / 3.0) : 0.0; }

struct Filter {
  double (*value)(double);
  double support;  // zero beyond this distance
};

Filter filter_of(Resample resample) {
  switch (resample) {
    case Resample::kLanczos:
      return {lanczos, 3.0};
    case Resample::kBilinear:
      return {bilinear, 1.0};
    case Resample::kBicubic:
      return {bicubic, 2.0};
    case Resample::kHamming:
      return {hamming, 1.0};
    case Resample::kMagic2013:
      return {magic_2013, 2.5};
    case Resample::kMagic2021:
      return {magic_2021, 4.5};
    case Resample::kBox:
    case Resample::kNearest:  // computed separately
      break;
  }
  return {box, 0.5};
}

/// The weights of one output: of the inputs from `first` on.
struct Taps {
  int first = 0;
  std::vector<int32_t> weights;
};

Taps taps_at(double centre, double scale, int size, const Filter& filter) {
  const double reach = filter.support * scale;
  Taps taps{.first = std::max(0, static_cast<int>(centre - reach + 0.5)), .weights = {}};
  const int end = std::min(size, static_cast<int>(centre + reach + 0.5));
  std::vector<double> weights;
  double sum = 0.0;
  for (int i = taps.first; i < end; ++i) {
    weights.push_back(filter.value((i - centre + 0.5) * (1.0 / scale)));
    sum += weights.back();
  }
  for (double weight : weights) {
    if (sum != 0.0) weight /= sum;
    weight *= 1 << kPrecision;
    taps.weights.push_back(static_cast<int32_t>(weight + (weight < 0.0 ? -0.5 : 0.5)));
  }
  return taps;
}

std::vector<Taps> make_taps(int size, int new_size, const Filter& filter) {
  const double step = static_cast<double>(size) / new_size;
  std::vector<Taps> taps;
  for (int i = 0; i < new_size; ++i)
    taps.push_back(taps_at((i + 0.5) * step, std::max(step, 1.0), size, filter));
  return taps;
}

uint8_t rounded(int32_t sum) { return static_cast<uint8_t>(std::clamp(sum >> kPrecision, 0, 255)); }

/// Along one axis: `lines` rows of `taps.size()` outputs. Neighbours on the axis are `stride` bytes
/// apart, lines `line_in` and `line_out`; each element has `run` independent bytes.
struct Pass {
  size_t lines, line_in, line_out, stride, run;
};

std::vector<uint8_t> apply(const Pass& pass, const std::vector<Taps>& taps,
                           std::span<const uint8_t> in) {
  std::vector<uint8_t> out(pass.lines * pass.line_out);
  for (size_t line = 0; line < pass.lines; ++line) {
    for (size_t o = 0; o < taps.size(); ++o) {
      const uint8_t* from =
          in.data() + line * pass.line_in + static_cast<size_t>(taps[o].first) * pass.stride;
      uint8_t* to = out.data() + line * pass.line_out + o * pass.stride;
      for (size_t r = 0; r < pass.run; ++r) {
        int32_t sum = 1 << (kPrecision - 1);
        for (size_t k = 0; k < taps[o].weights.size(); ++k)
          sum += taps[o].weights[k] * from[k * pass.stride + r];
        to[r] = rounded(sum);
      }
    }
  }
  return out;
}

/// The input of each output. Accumulated step by step as in Pillow, for the same rounding errors.
std::vector<int> nearest_places(int size, int new_size) {
  const double step = static_cast<double>(size) / new_size;
  std::vector<int> places;
  double at = step * 0.5;
  for (int i = 0; i < new_size; ++i, at += step)
    places.push_back(std::min(static_cast<int>(at), size - 1));
  return places;
}

std::vector<uint8_t> resize_nearest(std::span<const uint8_t> pixels, int width, int height,
                                    size_t channels, int new_width, int new_height) {
  const auto columns = nearest_places(width, new_width);
  std::vector<uint8_t> out;
  out.reserve(static_cast<size_t>(new_width) * static_cast<size_t>(new_height) * channels);
  for (const int y : nearest_places(height, new_height)) {
    for (const int x : columns) {
      const uint8_t* p =
          pixels.data() +
          (static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x)) * channels;
      out.insert(out.end(), p, p + channels);
    }
  }
  return out;
}

/// The second pass reads rounded bytes, and so the order affects the result. This is the order of
/// Pillow 13, found by experiment; older versions always resize along rows first.
bool goes_along_columns_first(int width, int height, int new_width, int new_height) {
  return new_height < height && height - new_height > 2 * (width - new_width);
}

}  // namespace

std::vector<uint8_t> resize(std::span<const uint8_t> pixels, int width, int height, int channels,
                            int new_width, int new_height, Resample resample) {
  if (new_width < 1 || new_height < 1) {
    throw std::invalid_argument(
        fmt::format("resize: both sides must be 1 or more, got {} x {}", new_width, new_height));
  }
  const auto W = static_cast<size_t>(width), H = static_cast<size_t>(height),
             C = static_cast<size_t>(channels), W2 = static_cast<size_t>(new_width),
             H2 = static_cast<size_t>(new_height);
  if (pixels.size() != W * H * C) {
    throw std::invalid_argument(fmt::format("resize: {} x {} x {} pixels need {} bytes, got {}",
                                            width, height, channels, W * H * C, pixels.size()));
  }
  std::vector<uint8_t> out(pixels.begin(), pixels.end());
  if (width == new_width && height == new_height) return out;
  if (resample == Resample::kNearest)
    return resize_nearest(pixels, width, height, C, new_width, new_height);
  const Filter filter = filter_of(resample);
  const auto along_columns = [&](size_t row) {  // bytes of a row
    // One line of rows, each of which is a run.
    out = apply({.lines = 1, .line_in = 0, .line_out = H2 * row, .stride = row, .run = row},
                make_taps(height, new_height, filter), out);
  };
  const bool columns_first = goes_along_columns_first(width, height, new_width, new_height);
  if (columns_first) along_columns(W * C);
  if (width != new_width) {
    out = apply({.lines = columns_first ? H2 : H,
                 .line_in = W * C,
                 .line_out = W2 * C,
                 .stride = C,
                 .run = C},
                make_taps(width, new_width, filter), out);
  }
  if (height != new_height && !columns_first) along_columns(W2 * C);
  return out;
}

Image resize(const Image& image, int width, int height, Resample resample) {
  return {width, height, resize(image.rgb, image.width, image.height, 3, width, height, resample)};
}

}  // namespace zoo
