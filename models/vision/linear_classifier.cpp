// One matrix over all pixels.
#include "models/vision/linear_classifier.h"

#include <c10/util/Exception.h>

#include "models/vision/image_classifier_options.h"

namespace zoo {

LinearClassifierImpl::LinearClassifierImpl(const LinearClassifierOptions& options_)
    : options(options_) {
  if (options.image_width == 0) options.image_width = options.image_size;
  const int64_t pixels = options.channels * options.image_size * options.image_width;
  TORCH_CHECK(pixels > 0 && options.classes > 0,
              "LinearClassifier: images and classes must not be empty, got ", options.channels,
              " x ", options.image_size, " x ", options.image_width, " and ", options.classes);
  head = register_module("head", torch::nn::Linear(pixels, options.classes));
  const torch::NoGradGuard no_grad;
  head->weight.zero_();
  head->bias.zero_();
}

torch::Tensor LinearClassifierImpl::forward(const torch::Tensor& pixels) {
  require_image("LinearClassifier", *this, pixels);
  return head(pixels.flatten(1));  // [B, K]
}

void check(const LinearClassifierOptions& o) { check_images(o); }

}  // namespace zoo
