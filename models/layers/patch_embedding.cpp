// Patches by convolution or by matrix product.
#include "models/layers/patch_embedding.h"

#include <c10/util/Exception.h>

namespace zoo {

PatchEmbeddingImpl::PatchEmbeddingImpl(const PatchEmbeddingOptions& options_) : options(options_) {
  const auto& o = options;
  TORCH_CHECK(o.channels > 0 && o.patch_height > 0 && o.patch_width > 0 && o.d_model > 0,
              "PatchEmbedding: channels, patch sizes and d_model must be positive, got ",
              o.channels, ", ", o.patch_height, " x ", o.patch_width, " and ", o.d_model);
  projection = register_module(
      "projection", torch::nn::Conv2d(torch::nn::Conv2dOptions(o.channels, o.d_model,
                                                               {o.patch_height, o.patch_width})
                                          .stride({o.patch_height, o.patch_width})
                                          .bias(o.bias)));
}

torch::Tensor PatchEmbeddingImpl::forward(const torch::Tensor& pixels) {
  const int64_t ph = options.patch_height, pw = options.patch_width;
  TORCH_CHECK(pixels.dim() == 4 && pixels.size(1) == options.channels,
              "PatchEmbedding: pixels must be [B, ", options.channels, ", H, W], got ",
              pixels.sizes());
  TORCH_CHECK(pixels.size(2) >= ph && pixels.size(3) >= pw, "PatchEmbedding: an image of ",
              pixels.size(2), " x ", pixels.size(3), " is smaller than a patch of ", ph, " x ", pw);
  if (options.method == PatchMethod::kConvolution)
    return projection(pixels).flatten(2).transpose(1, 2);  // [B, C, rows, columns] -> [B, P, C]
  const auto patches =
      pixels.unfold(2, ph, ph).unfold(3, pw, pw);  // [B, ch, rows, columns, ph, pw]
  const auto rows =
      patches.permute({0, 2, 3, 1, 4, 5}).flatten(3).flatten(1, 2);             // [B, P, ch ph pw]
  return torch::linear(rows, projection->weight.flatten(1), projection->bias);  // [B, P, C]
}

}  // namespace zoo
