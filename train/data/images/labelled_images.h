// Images with their classes, in memory: the common form of all image data sets.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/image.h"

namespace zoo {

struct LabelledImages {
  torch::Tensor pixels;  ///< [N, channels, H, W] uint8
  torch::Tensor labels;  ///< [N] int64
  int64_t size() const { return labels.defined() ? labels.size(0) : 0; }
};

struct ImageDataSet {
  LabelledImages training;
  LabelledImages validation;             ///< empty where the data has no part of its own for it
  std::vector<std::string> class_names;  ///< by label
};

/// An image as uint8 [3, H, W].
torch::Tensor planes_of(const Image& image);

/// Throws std::runtime_error unless there are images, as many as labels, with all labels in [0,
/// classes); the message begins with `where`.
void check_images(const LabelledImages& images, int64_t classes, const std::string& where);

/// 1 + the largest label of both parts, as text: "0", "1", ...
std::vector<std::string> numbered_classes(const ImageDataSet& data);

/// The images resized (bilinear, as Pillow), with their channels converted (grey repeated, or
/// brightness).
LabelledImages fit_images(const LabelledImages& images, int64_t channels, int64_t height,
                          int64_t width);

/// The images at these indices.
LabelledImages select_images(const LabelledImages& images, const std::vector<int64_t>& indices);

/// Holds out every image whose index within its class is a multiple of 1 / share: deterministic,
/// and the same share of every class.
void hold_out(ImageDataSet& data, double share);

/// Keeps a share of the training images, drawn by `seed`, with at least one per class.
void keep_fraction(ImageDataSet& data, double fraction, uint64_t seed);

/// Mean and standard deviation of each channel, as fractions of 255.
struct ChannelStatistics {
  std::vector<double> mean, std;
};
ChannelStatistics channel_statistics(const LabelledImages& images);

}  // namespace zoo
