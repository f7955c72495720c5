// A residual network for small images: He et al. 2015 (arXiv:1512.03385), §4.2, what a ViT is
// measured against. Differs from the paper: group norm (Wu & He 2018, arXiv:1803.08494) instead of
// batch norm, so that a score does not depend on batch mates; shortcuts that change size are
// projections (the paper's option B).
#pragma once
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>
#include <torch/nn/pimpl.h>

#include <string_view>

#include "models/vision/image_classifier.h"

namespace zoo {

struct CnnOptions {
  int64_t classes = 10;  ///< K; 0: the features alone
  int64_t image_size = 28;
  int64_t image_width = 0;  ///< 0: as image_size, which is then the height
  int64_t channels = 1;
  int64_t blocks = 1;  ///< n of each of the three stages: 6 n + 2 layers
  int64_t width = 16;  ///< of the first stage; each further one doubles it and halves the image

  static CnnOptions resnet8();   ///< gray images of 28 x 28: 0.08 M
  static CnnOptions resnet20();  ///< He et al. 2015, Table 6, CIFAR-10: 0.27 M
  static CnnOptions resnet56();  ///< 0.85 M
  /// By name, as on the command line; throws std::invalid_argument with the known names.
  static CnnOptions preset(std::string_view name);
};

template <class Visitor>
void visit(CnnOptions& o, Visitor&& v) {
  v("image-size", o.image_size, "Height of the images, and their width");
  v("image-width", o.image_width, "Width of the images (0: as image-size)");
  v("channels", o.channels, "Of the images: 1 gray, 3 colour");
  v("blocks", o.blocks, "Blocks of each of the three stages");
  v("width", o.width, "Channels of the first stage");
}

/// Throws OptionError for values that no model can have.
void check(const CnnOptions& options);

/// Two convolutions and a way past them: x [B, in, H, W] -> [B, out, H / stride, W / stride].
class ResidualBlockImpl : public torch::nn::Module {
 public:
  ResidualBlockImpl(int64_t in, int64_t out, int64_t stride);
  torch::Tensor forward(const torch::Tensor& x);
  torch::nn::Conv2d conv1{nullptr}, conv2{nullptr};
  torch::nn::GroupNorm norm1{nullptr}, norm2{nullptr};
  torch::nn::Conv2d shortcut{nullptr};  // 1 x 1; empty where nothing changes size
};
TORCH_MODULE(ResidualBlock);

class CnnImpl : public ImageClassifier {
 public:
  explicit CnnImpl(const CnnOptions& options);
  /// pixels [B, channels, H, W] -> [B, K]
  torch::Tensor forward(const torch::Tensor& pixels) override;
  /// pixels -> [B, 4 width]: the mean over the last stage's rows and columns
  torch::Tensor features(const torch::Tensor& pixels);

  int64_t classes() const override { return options.classes; }
  int64_t channels() const override { return options.channels; }
  int64_t image_height() const override { return options.image_size; }
  int64_t image_width() const override { return options.image_width; }

  CnnOptions options;  // zeros replaced by what they stand for
  torch::nn::Conv2d stem{nullptr};
  torch::nn::GroupNorm stem_norm{nullptr};
  torch::nn::ModuleList blocks{nullptr};
  torch::nn::Linear head{nullptr};  // [K, 4 width]; empty without classes
};
TORCH_MODULE(Cnn);

}  // namespace zoo
