// Resizing with the bits of Pillow: antialiased, in fixed point.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/image.h"
#include "base/named_enum.h"

namespace zoo {

/// In the order of PIL's numbers, which preprocessor_config.json uses.
enum class Resample {
  kNearest,
  kLanczos,
  kBilinear,
  kBicubic,
  kBox,
  kHamming,
  kMagic2013,
  kMagic2021
};
template <>
struct EnumNames<Resample> {
  static constexpr std::string_view what = "resampling filter";
  static constexpr std::pair<Resample, std::string_view> values[] = {
      {Resample::kNearest, "nearest"},
      {Resample::kLanczos, "lanczos"},
      {Resample::kBilinear, "bilinear"},
      {Resample::kBicubic, "bicubic"},
      {Resample::kBox, "box"},
      {Resample::kHamming, "hamming"},
      {Resample::kMagic2013, "magic-2013"},
      {Resample::kMagic2021, "magic-2021"}};
};

/// Like PIL's Image.resize((width, height), resample). Throws std::invalid_argument for a size
/// below 1 x 1.
Image resize(const Image& image, int width, int height, Resample resample);

/// The same for pixels of any number of bytes, rows from the top, channels interleaved.
std::vector<uint8_t> resize(std::span<const uint8_t> pixels, int width, int height, int channels,
                            int new_width, int new_height, Resample resample);

}  // namespace zoo
