// Pictures with their classes, in memory: what every image data set becomes, wherever it lies.
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

/// A picture as uint8 [3, H, W].
torch::Tensor planes_of(const Image& image);

/// Throws std::runtime_error unless there are pictures, as many as labels, all labels in [0,
/// classes); `where` begins the message.
void check_images(const LabelledImages& images, int64_t classes, const std::string& where);

/// 1 + the largest label of both parts, as text: "0", "1", ...
std::vector<std::string> numbered_classes(const ImageDataSet& data);

/// The pictures with other sides (bilinear, as Pillow) and channels (grey repeated, or brightness).
LabelledImages fit_images(const LabelledImages& images, int64_t channels, int64_t height,
                          int64_t width);

/// The pictures at these indices.
LabelledImages select_images(const LabelledImages& images, const std::vector<int64_t>& indices);

/// Holds out every image whose index among those of its class is a multiple of 1 / share: the same
/// ones always, and the same share of every class.
void hold_out(ImageDataSet& data, double share);

/// A share of the training pictures, at least one a class, drawn by `seed`.
void keep_fraction(ImageDataSet& data, double fraction, uint64_t seed);

/// Mean and standard deviation of each channel, as parts of 255.
struct ChannelStatistics {
  std::vector<double> mean, std;
};
ChannelStatistics channel_statistics(const LabelledImages& images);

}  // namespace zoo
