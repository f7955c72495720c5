// Augmentations of a training image that preserve its class. All work on bytes, so black stays
// black and nothing depends on the normalisation.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <random>
#include <vector>

namespace zoo {

/// One image: [channels, height, width].
struct Planes {
  int channels = 0, height = 0, width = 0;
  std::vector<uint8_t> values;
  uint8_t& at(int c, int y, int x) {
    return values[(static_cast<size_t>(c) * static_cast<size_t>(height) + static_cast<size_t>(y)) *
                      static_cast<size_t>(width) +
                  static_cast<size_t>(x)];
  }
  uint8_t at(int c, int y, int x) const { return const_cast<Planes*>(this)->at(c, y, x); }
};

struct AugmentOptions {
  int64_t crop_padding = 0;   ///< black added on each side before a crop of the old size
  bool flip = false;          ///< left and right, of every second picture
  int64_t rand_augment = 0;   ///< operations a picture (N of the paper); 0: none
  int64_t magnitude = 9;      ///< their strength, 0 to 10 (M)
  double random_erasing = 0;  ///< probability that a rectangle is erased
};

template <class Visitor>
void visit(AugmentOptions& o, Visitor&& v) {
  v("crop-padding", o.crop_padding,
    "Random crops, after this many black pixels are put around (0: none)");
  v("flip", o.flip, "Mirror half of the pictures, drawn at random");
  v("rand-augment", o.rand_augment, "RandAugment: operations a picture (0: none)");
  v("magnitude", o.magnitude, "RandAugment: strength of operations, 0 to 10");
  v("random-erasing", o.random_erasing, "Probability that a rectangle is erased");
}

/// Throws std::invalid_argument for values out of range, named as on the command line.
void check(const AugmentOptions& options);

/// The value of erased pixels: the mean of each channel, given in [0, 1].
std::vector<uint8_t> fill_of(const std::vector<double>& mean);

/// In this order: operations, flip, crop, erasing. `fill`: the value of erased pixels, one per
/// channel.
void augment(Planes& image, const AugmentOptions& options, const std::vector<uint8_t>& fill,
             std::mt19937_64& random);

/// The same on a copy. pixels [channels, H, W] uint8, on the CPU and contiguous
Planes augmented(const torch::Tensor& pixels, const AugmentOptions& options,
                 const std::vector<uint8_t>& fill, std::mt19937_64& random);

/// Moves the image by (dx, dy) pixels and fills with black.
void translate(Planes& image, int dx, int dy);
void flip(Planes& image);
/// Zhong et al. 2017 (arXiv:1708.04896), Algorithm 1: 2 % to 33 % of the area, sides 0.3 to 3.3.
void erase_rectangle(Planes& image, const std::vector<uint8_t>& fill, std::mt19937_64& random);
/// Cubuk et al. 2019 (arXiv:1909.13719): `operations` of 14, each drawn with the same probability.
void rand_augment(Planes& image, int64_t operations, int64_t magnitude, std::mt19937_64& random);

}  // namespace zoo
