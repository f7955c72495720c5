#include "infer/vision/picture_pixels.h"

#include <fmt/format.h>

#include <stdexcept>

namespace zoo {

PicturePixels::PicturePixels(const std::filesystem::path& folder, int64_t channels, int64_t height,
                             int64_t width)
    : channels_(channels),
      height_(height),
      width_(width),
      steps_(read_preprocessing(folder)),
      file_(*preprocessing_file(folder)) {
  const bool in_proportion = steps_.shortest_edge > 0 || steps_.max_height > 0;
  const bool same_size =
      steps_.center_crop || steps_.pad_height > 0 || (steps_.resize && !in_proportion);
  try {
    // With a picture of one pixel, which every step accepts.
    const auto pixels = preprocessed({.width = 1, .height = 1, .rgb = {0, 0, 0}});
    if (same_size && !fits(pixels)) {
      throw std::invalid_argument(
          fmt::format("it makes pictures of {} x {}, the model reads {} x {}", pixels.size(2),
                      pixels.size(3), height_, width_));
    }
  } catch (const std::exception& error) {
    throw std::runtime_error(fmt::format("{}: {}", file_.string(), error.what()));
  }
}

torch::Tensor PicturePixels::of(const Image& image) const {
  auto pixels = preprocessed(image);
  if (fits(pixels)) return pixels;
  throw std::runtime_error(fmt::format(
      "a picture of {} x {} pixels becomes {} x {} by {}, the model reads {} x {}; give "
      "it one of its size",
      image.height, image.width, pixels.size(2), pixels.size(3), file_.string(), height_, width_));
}

torch::Tensor PicturePixels::preprocessed(const Image& image) const {
  const PixelValues pixels = preprocess(image, steps_, static_cast<int>(channels_));
  return torch::tensor(pixels.values).view({1, pixels.channels, pixels.height, pixels.width});
}

bool PicturePixels::fits(const torch::Tensor& pixels) const {
  return pixels.size(2) == height_ && pixels.size(3) == width_;
}

}  // namespace zoo
