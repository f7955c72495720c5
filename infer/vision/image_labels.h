// Labels images with a classifier.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "infer/vision/picture_pixels.h"
#include "models/pretrained/format/labels.h"
#include "models/vision/image_classifier.h"

namespace zoo {

/// The fields of `transformers`' image-classification pipeline.
struct ImageLabel {
  std::string label;
  double score = 0.0;  ///< probability; of a regression the value
};

/// What the model sees of an image, and how much of its answer comes from each patch.
struct Rollout {
  Image seen = {};
  torch::Tensor shares = {};  ///< [rows, columns]
};

class ImageLabeller {
 public:
  /// Throws std::runtime_error with one line: no classes, no image processor file, one that does
  /// not match the model.
  explicit ImageLabeller(const std::filesystem::path& folder, torch::Device device = torch::kCPU,
                         const std::string& attention = {});

  /// An image of any size -> [1, channels, H, W]
  torch::Tensor pixel_values(const Image& image) const;
  /// The `top` most probable classes, best first.
  std::vector<ImageLabel> label(const torch::Tensor& pixels, int64_t top);
  /// Throws std::runtime_error for a model without attention over patches.
  Rollout rollout(const Image& image);

  int64_t classes() const { return std::ssize(labels_); }

 private:
  torch::Device device_;
  std::shared_ptr<ImageClassifier> model_;
  std::vector<std::string> labels_;
  ScoreFunction function_ = ScoreFunction::kSoftmax;
  std::optional<PicturePixels> pixels_;
};

}  // namespace zoo
