// What training and measuring need from a model that says what an image shows, whatever it is made
// of.
#pragma once
#include <torch/nn/module.h>
#include <torch/types.h>

namespace zoo {

class ImageClassifier : public torch::nn::Module {
 public:
  /// pixels [B, channels, H, W], floating -> [B, K]
  virtual torch::Tensor forward(const torch::Tensor& pixels) = 0;
  /// K
  virtual int64_t classes() const = 0;
  virtual int64_t channels() const = 0;
  /// The size of image it was built for.
  virtual int64_t image_height() const = 0;
  virtual int64_t image_width() const = 0;
};

}  // namespace zoo
