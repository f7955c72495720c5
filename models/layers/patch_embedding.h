// An image as a sequence of tokens: Dosovitskiy et al. 2020 (arXiv:2010.11929), §3.1, Eq. 1. Each
// patch is flattened and projected by one matrix.
#pragma once
#include <torch/nn/module.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/pimpl.h>

#include "base/named_enum.h"

namespace zoo {

/// Two ways to compute the same result: a convolution whose stride is its kernel size, or, as in
/// the paper's text, patches as rows multiplied by a matrix.
enum class PatchMethod { kConvolution, kProduct };
template <>
struct EnumNames<PatchMethod> {
  static constexpr std::string_view what = "patch method";
  static constexpr std::pair<PatchMethod, std::string_view> values[] = {
      {PatchMethod::kConvolution, "convolution"}, {PatchMethod::kProduct, "product"}};
};

struct PatchEmbeddingOptions {
  int64_t channels = 3;
  int64_t patch_height = 16;
  int64_t patch_width = 16;
  int64_t d_model = 0;  ///< C
  bool bias = true;
  PatchMethod method = PatchMethod::kConvolution;
};

/// pixels [B, channels, H, W] -> [B, P, C]: patches row by row. Pixels at the right and bottom
/// edges that do not fill a patch are left out.
class PatchEmbeddingImpl : public torch::nn::Module {
 public:
  explicit PatchEmbeddingImpl(const PatchEmbeddingOptions& options);
  torch::Tensor forward(const torch::Tensor& pixels);
  PatchEmbeddingOptions options;
  torch::nn::Conv2d projection{nullptr};  // weight [C, channels, patch_height, patch_width]
};
TORCH_MODULE(PatchEmbedding);

}  // namespace zoo
