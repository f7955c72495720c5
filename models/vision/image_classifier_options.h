// What all classifiers of images check in the same way.
#pragma once
#include <c10/util/Exception.h>
#include <torch/types.h>

#include <string_view>
#include <utility>

#include "base/option_checks.h"
#include "models/vision/image_classifier.h"

namespace zoo {

/// The sizes that every options struct of a classifier has. Throws OptionError.
template <class Options>
void check_images(const Options& o) {
  for (const auto& [option, value] :
       {std::pair("image-size", o.image_size), std::pair("channels", o.channels)}) {
    require_at_least(option, value, 1);
  }
  require_at_least("image-width", o.image_width, 0);
  require_at_least("classes", o.classes, 1);
}

/// pixels must be [B, channels, H, W] of the model's own size.
inline void require_image(std::string_view who, const ImageClassifier& model,
                          const torch::Tensor& pixels) {
  const bool fits = pixels.dim() == 4 && pixels.size(1) == model.channels() &&
                    pixels.size(2) == model.image_height() && pixels.size(3) == model.image_width();
  TORCH_CHECK(fits, who, ": pixels must be [B, ", model.channels(), ", ", model.image_height(),
              ", ", model.image_width(), "], got ", pixels.sizes());
}

}  // namespace zoo
