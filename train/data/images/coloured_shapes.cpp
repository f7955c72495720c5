#include "train/data/images/coloured_shapes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <stdexcept>
#include <string_view>

#include "base/interrupt.h"
#include "base/option_checks.h"
#include "models/batching/random.h"

namespace zoo {
namespace {

struct Colour {
  std::string_view name;
  std::array<double, 3> rgb;
};
constexpr std::array<Colour, 4> kColours = {{{"red", {210, 50, 50}},
                                             {"green", {60, 170, 70}},
                                             {"blue", {60, 90, 210}},
                                             {"yellow", {225, 205, 60}}}};

/// Whether a point, in units of the shape's radius from its centre, is inside.
struct Shape {
  std::string_view name;
  bool (*holds)(double x, double y);
};
constexpr std::array<Shape, 4> kShapes = {
    {{"circle", [](double x, double y) { return x * x + y * y <= 1.0; }},
     {"square", [](double x, double y) { return std::max(std::abs(x), std::abs(y)) <= 0.85; }},
     {"triangle", [](double x, double y) { return y <= 0.8 && y >= -1.0 + 1.8 * std::abs(x); }},
     {"cross", [](double x, double y) {
        const double near = std::min(std::abs(x), std::abs(y));
        return near <= 0.3 && std::max(std::abs(x), std::abs(y)) <= 1.0;
      }}}};

constexpr std::array<std::string_view, 4> kWordings = {"a {0} {1}", "a {1} in {0}", "one {0} {1}",
                                                       "the {1} is {0}"};

double between(double low, double high, std::mt19937_64& random) {
  return low + (high - low) * uniform(random);
}

/// A shape on a ground, with a little noise on every pixel. pixels [3, size, size] uint8
void paint(torch::Tensor pixels, const Colour& colour, const Shape& shape,
           std::mt19937_64& random) {
  const int64_t size = pixels.size(1);
  const auto side = static_cast<double>(size);
  const double radius = side * between(0.2, 0.38, random);
  const double centre_x = between(radius, side - radius, random);
  const double centre_y = between(radius, side - radius, random);
  const double ground = between(90, 230, random), light = between(0.8, 1.1, random);
  auto out = pixels.accessor<uint8_t, 3>();
  for (int64_t y = 0; y < size; ++y) {
    for (int64_t x = 0; x < size; ++x) {
      const bool inside = shape.holds((static_cast<double>(x) + 0.5 - centre_x) / radius,
                                      (static_cast<double>(y) + 0.5 - centre_y) / radius);
      for (int64_t c = 0; c < 3; ++c) {
        const double clean = inside ? colour.rgb[static_cast<size_t>(c)] * light : ground;
        const double value = std::clamp(clean + between(-12, 12, random), 0.0, 255.0);
        out[c][y][x] = static_cast<uint8_t>(std::lround(value));
      }
    }
  }
}

}  // namespace

const std::vector<std::string>& shape_concepts() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const auto& colour : kColours)
      for (const auto& shape : kShapes)
        all.push_back(fmt::format("{} {}", colour.name, shape.name));
    return all;
  }();
  return names;
}

void check(const ShapesOptions& o) {
  require_option(o.image_size >= 16, "image-size", o.image_size,
                 "16 or more for shapes to be told apart");
  require_option(o.image_size <= 1024, "image-size", o.image_size, "1024 or less");
  require_option(o.examples >= 1 && o.examples <= 1'000'000, "shapes", o.examples, "1 to 1000000");
}

CaptionedImages coloured_shapes(const ShapesOptions& options, uint64_t seed) {
  check(options);
  const int64_t N = options.examples, size = options.image_size;
  auto random = generator_for({seed});
  CaptionedImages made{.pixels = torch::empty({N, 3, size, size}, torch::kUInt8),
                       .concepts = shape_concepts()};
  for (int64_t n = 0; n < N; ++n) {
    stop_if_interrupted("drawing the shapes");
    const int64_t what = n % std::ssize(made.concepts);
    const auto& colour = kColours[static_cast<size_t>(what) / kShapes.size()];
    const auto& shape = kShapes[static_cast<size_t>(what) % kShapes.size()];
    paint(made.pixels[n], colour, shape, random);
    const auto wording = kWordings[random() % kWordings.size()];
    made.captions.push_back({fmt::format(fmt::runtime(wording), colour.name, shape.name)});
    made.concept_of.push_back(what);
  }
  return made;
}

}  // namespace zoo
