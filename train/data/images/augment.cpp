#include "train/data/images/augment.h"

#include <algorithm>
#include <cmath>

#include "base/option_checks.h"
#include "models/batching/random.h"

namespace zoo {

void check(const AugmentOptions& o) {
  require_option(o.crop_padding >= 0 && o.crop_padding <= 1000, "crop-padding", o.crop_padding,
                 "from 0 to 1000");
  require_option(o.rand_augment >= 0 && o.rand_augment <= 14, "rand-augment", o.rand_augment,
                 "from 0 to 14");
  require_option(o.magnitude >= 0 && o.magnitude <= 10, "magnitude", o.magnitude, "from 0 to 10");
  require_option(o.random_erasing >= 0.0 && o.random_erasing <= 1.0, "random-erasing",
                 o.random_erasing, "in [0, 1]");
}

std::vector<uint8_t> fill_of(const std::vector<double>& mean) {
  std::vector<uint8_t> fill;
  for (const double value : mean)
    fill.push_back(static_cast<uint8_t>(std::lround(std::clamp(value, 0.0, 1.0) * 255.0)));
  return fill;
}

void translate(Planes& image, int dx, int dy) {
  const Planes old = image;
  for (int c = 0; c < image.channels; ++c) {
    for (int y = 0; y < image.height; ++y) {
      for (int x = 0; x < image.width; ++x) {
        const int from_y = y - dy, from_x = x - dx;
        const bool inside =
            from_y >= 0 && from_y < image.height && from_x >= 0 && from_x < image.width;
        image.at(c, y, x) = inside ? old.at(c, from_y, from_x) : uint8_t{0};
      }
    }
  }
}

void flip(Planes& image) {
  for (auto row = image.values.begin(); row != image.values.end(); row += image.width)
    std::reverse(row, row + image.width);
}

void erase_rectangle(Planes& image, const std::vector<uint8_t>& fill, std::mt19937_64& random) {
  constexpr int kAttempts = 100;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const double share = 0.02 + (1.0 / 3.0 - 0.02) * uniform(random);
    const double ratio = std::exp((2.0 * uniform(random) - 1.0) * std::log(10.0 / 3.0));
    const double area = share * image.height * image.width;
    const int height = static_cast<int>(std::lround(std::sqrt(area * ratio)));
    const int width = static_cast<int>(std::lround(std::sqrt(area / ratio)));
    if (height < 1 || width < 1 || height > image.height || width > image.width) continue;
    const int top = static_cast<int>(uniform(random) * (image.height - height + 1));
    const int left = static_cast<int>(uniform(random) * (image.width - width + 1));
    for (int c = 0; c < image.channels; ++c) {
      for (int y = top; y < top + height; ++y) {
        for (int x = left; x < left + width; ++x) image.at(c, y, x) = fill[static_cast<size_t>(c)];
      }
    }
    return;
  }
}

void augment(Planes& image, const AugmentOptions& o, const std::vector<uint8_t>& fill,
             std::mt19937_64& random) {
  if (o.rand_augment > 0) rand_augment(image, o.rand_augment, o.magnitude, random);
  if (o.flip && uniform(random) < 0.5) flip(image);
  if (o.crop_padding > 0) {
    const auto draw = [&] {
      return static_cast<int>(random() % static_cast<uint64_t>(2 * o.crop_padding + 1)) -
             static_cast<int>(o.crop_padding);
    };
    const int dx = draw(), dy = draw();
    translate(image, dx, dy);
  }
  if (o.random_erasing > 0.0 && uniform(random) < o.random_erasing)
    erase_rectangle(image, fill, random);
}

Planes augmented(const torch::Tensor& pixels, const AugmentOptions& options,
                 const std::vector<uint8_t>& fill, std::mt19937_64& random) {
  const auto* const bytes = pixels.const_data_ptr<uint8_t>();
  Planes image{.channels = static_cast<int>(pixels.size(0)),
               .height = static_cast<int>(pixels.size(1)),
               .width = static_cast<int>(pixels.size(2)),
               .values = {bytes, bytes + pixels.numel()}};
  augment(image, options, fill, random);
  return image;
}

}  // namespace zoo
