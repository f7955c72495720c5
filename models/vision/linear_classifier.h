// The least that a classifier of images can be: every pixel votes for every class. What a model
// gains is what it has above this (LeCun et al. 1998, §III.C.1: 12% errors on MNIST).
#pragma once
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <string_view>

#include "models/vision/image_classifier.h"

namespace zoo {

struct LinearClassifierOptions {
  int64_t classes = 10;  ///< K
  int64_t image_size = 28;
  int64_t image_width = 0;  ///< 0: as image_size, which is then the height
  int64_t channels = 1;
};

template <class Visitor>
void visit(LinearClassifierOptions& o, Visitor&& v) {
  v("image-size", o.image_size, "Height of the images, and their width");
  v("image-width", o.image_width, "Width of the images (0: as image-size)");
  v("channels", o.channels, "Of the images: 1 gray, 3 colour");
}

/// Throws OptionError for values that no model can have.
void check(const LinearClassifierOptions& options);

class LinearClassifierImpl : public ImageClassifier {
 public:
  explicit LinearClassifierImpl(const LinearClassifierOptions& options);
  /// pixels [B, channels, H, W] -> [B, K]
  torch::Tensor forward(const torch::Tensor& pixels) override;

  int64_t classes() const override { return options.classes; }
  int64_t channels() const override { return options.channels; }
  int64_t image_height() const override { return options.image_size; }
  int64_t image_width() const override { return options.image_width; }

  LinearClassifierOptions options;  // zeros replaced by what they stand for
  torch::nn::Linear head{nullptr};  // [K, channels H W]; starts at zero
};
TORCH_MODULE(LinearClassifier);

}  // namespace zoo
