#include "train/data/images/labelled_images.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <stdexcept>

#include "models/batching/random.h"
#include "models/images/image.h"
#include "models/images/resize.h"

namespace zoo {
namespace {

/// [channels, H, W] -> pixels side by side, as pictures have them.
std::vector<uint8_t> interleaved(const torch::Tensor& planes) {
  const auto pixels = planes.permute({1, 2, 0}).contiguous();
  const auto* first = pixels.data_ptr<uint8_t>();
  return {first, first + pixels.numel()};
}

torch::Tensor with_channels(const torch::Tensor& pixels, int64_t channels) {
  if (pixels.size(1) == channels) return pixels;
  if (channels == 3) return pixels.expand({-1, 3, -1, -1}).contiguous();
  auto grey = torch::empty({pixels.size(0), 1, pixels.size(2), pixels.size(3)}, torch::kByte);
  for (int64_t i = 0; i < pixels.size(0); ++i) {
    const auto values = luminance({.width = static_cast<int>(pixels.size(3)),
                                   .height = static_cast<int>(pixels.size(2)),
                                   .rgb = interleaved(pixels[i])});
    std::copy(values.begin(), values.end(), grey[i].data_ptr<uint8_t>());
  }
  return grey;
}

torch::Tensor with_sides(const torch::Tensor& pixels, int64_t height, int64_t width) {
  const int64_t N = pixels.size(0), C = pixels.size(1), H = pixels.size(2), W = pixels.size(3);
  if (H == height && W == width) return pixels;
  auto resized = torch::empty({N, C, height, width}, torch::kByte);
  for (int64_t i = 0; i < N * C; ++i) {  // a plane at a time
    const std::span plane(pixels.data_ptr<uint8_t>() + i * H * W, static_cast<size_t>(H * W));
    const auto values =
        resize(plane, static_cast<int>(W), static_cast<int>(H), 1, static_cast<int>(width),
               static_cast<int>(height), Resample::kBilinear);
    std::copy(values.begin(), values.end(), resized.data_ptr<uint8_t>() + i * height * width);
  }
  return resized;
}

std::vector<std::vector<int64_t>> indices_by_class(const LabelledImages& images, size_t classes) {
  std::vector<std::vector<int64_t>> indices(classes);
  const auto labels = images.labels.accessor<int64_t, 1>();
  for (int64_t i = 0; i < images.size(); ++i) indices[static_cast<size_t>(labels[i])].push_back(i);
  return indices;
}

}  // namespace

torch::Tensor planes_of(const Image& image) {
  const auto pixels = torch::from_blob(const_cast<uint8_t*>(image.rgb.data()),
                                       {image.height, image.width, 3}, torch::kByte);
  return pixels.permute({2, 0, 1}).contiguous();
}

void check_images(const LabelledImages& images, int64_t classes, const std::string& where) {
  const int64_t pictures = images.pixels.defined() ? images.pixels.size(0) : 0;
  if (pictures != images.size()) {
    throw std::runtime_error(
        fmt::format("{}: {} pictures, but {} labels; they do not belong "
                    "together",
                    where, pictures, images.size()));
  }
  if (pictures == 0) throw std::runtime_error(where + ": no pictures");
  const int64_t lowest = images.labels.min().item<int64_t>();
  const int64_t highest = images.labels.max().item<int64_t>();
  if (lowest >= 0 && highest < classes) return;
  throw std::runtime_error(fmt::format("{}: a label is {}, but must be from 0 to {}", where,
                                       lowest < 0 ? lowest : highest, classes - 1));
}

std::vector<std::string> numbered_classes(const ImageDataSet& data) {
  int64_t highest = 0;
  for (const auto* part : {&data.training, &data.validation})
    if (part->size() > 0) highest = std::max(highest, part->labels.max().item<int64_t>());
  std::vector<std::string> names;
  for (int64_t k = 0; k <= highest; ++k) names.push_back(std::to_string(k));
  return names;
}

LabelledImages fit_images(const LabelledImages& images, int64_t channels, int64_t height,
                          int64_t width) {
  if (images.size() == 0) return images;
  const auto pixels = images.pixels.contiguous();
  // First what leaves less to resize.
  if (pixels.size(1) > channels)
    return {with_sides(with_channels(pixels, channels), height, width), images.labels};
  return {with_channels(with_sides(pixels, height, width), channels), images.labels};
}

LabelledImages select_images(const LabelledImages& images, const std::vector<int64_t>& indices) {
  const auto index = torch::tensor(indices, torch::kLong);
  return {images.pixels.index_select(0, index), images.labels.index_select(0, index)};
}

void hold_out(ImageDataSet& data, double share) {
  if (share == 0.0) return;
  std::vector<int64_t> kept, held;
  for (const auto& indices : indices_by_class(data.training, data.class_names.size())) {
    const auto taken = [&](int64_t seen) {  // of so many; ten tenths are one
      return std::floor(share * static_cast<double>(seen) + 1e-9);
    };
    for (int64_t n = 0; n < std::ssize(indices); ++n)
      (taken(n + 1) > taken(n) ? held : kept).push_back(indices[static_cast<size_t>(n)]);
  }
  if (kept.empty() || held.empty()) {
    throw std::runtime_error(
        fmt::format("--validation-share {}: {} pictures are too few to hold some out; use more of "
                    "them, or --validation-share 0",
                    share, data.training.size()));
  }
  std::sort(kept.begin(), kept.end());
  std::sort(held.begin(), held.end());
  data.validation = select_images(data.training, held);
  data.training = select_images(data.training, kept);
}

void keep_fraction(ImageDataSet& data, double fraction, uint64_t seed) {
  if (fraction == 1.0) return;
  std::vector<int64_t> kept;
  auto random = generator_for({seed});
  for (auto indices : indices_by_class(data.training, data.class_names.size())) {
    shuffle(indices, random);
    const double wanted = std::ceil(fraction * static_cast<double>(indices.size()));
    kept.insert(kept.end(), indices.begin(), indices.begin() + static_cast<ptrdiff_t>(wanted));
  }
  std::sort(kept.begin(), kept.end());
  data.training = select_images(data.training, kept);
}

ChannelStatistics channel_statistics(const LabelledImages& images) {
  ChannelStatistics statistics;
  for (int64_t c = 0; c < images.pixels.size(1); ++c) {
    // Counts of the 256 values: exact, and no picture becomes a float.
    const auto channel = images.pixels.select(1, c).flatten();
    const auto counts = torch::bincount(channel, {}, 256).to(torch::kDouble);  // [256]
    const auto values = torch::arange(256, torch::kDouble) / 255.0;            // [256]
    const double mean = ((counts * values).sum() / counts.sum()).item<double>();
    const double variance =
        ((counts * (values - mean).square()).sum() / counts.sum()).item<double>();
    statistics.mean.push_back(mean);
    statistics.std.push_back(variance > 0.0 ? std::sqrt(variance) : 1.0);
  }
  return statistics;
}

}  // namespace zoo
