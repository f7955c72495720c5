// Converts images of any size to a model's input, by its folder's preprocessor_config.json or
// processor_config.json.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <filesystem>

#include "models/images/preprocess.h"

namespace zoo {

class PicturePixels {
 public:
  /// height, width: of the model's input. Throws std::runtime_error, beginning with the path: no
  /// such file, or one whose steps give images of another size.
  PicturePixels(const std::filesystem::path& folder, int64_t channels, int64_t height,
                int64_t width);
  /// [1, channels, height, width]. Throws std::runtime_error for an image of another size if no
  /// step resizes it.
  torch::Tensor of(const Image& image) const;
  const ImagePreprocessing& steps() const { return steps_; }

 private:
  torch::Tensor preprocessed(const Image& image) const;
  bool fits(const torch::Tensor& pixels) const;
  int64_t channels_, height_, width_;
  ImagePreprocessing steps_;
  std::filesystem::path file_;  // that holds them
};

}  // namespace zoo
