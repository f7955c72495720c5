// Another way: pixels looked up by their place, and the projection as one einsum over six axes.
#include "notebooks-cpp/exercises/23_patch_embedding/patch_embedding.h"

namespace {

// [B, channels, H, W] -> [B, channels, rows, columns, patch_height, patch_width]
torch::Tensor cut(const torch::Tensor& pixels, int64_t patch_height, int64_t patch_width) {
  const auto places = [](int64_t size, int64_t patch) {
    return torch::arange(size / patch * patch).view({size / patch, patch});
  };
  const auto y = places(pixels.size(2), patch_height), x = places(pixels.size(3), patch_width);
  const auto at_y = y.view({y.size(0), 1, y.size(1), 1});
  const auto at_x = x.view({1, x.size(0), 1, x.size(1)});
  return pixels.index({torch::indexing::Slice(), torch::indexing::Slice(), at_y, at_x});
}

}  // namespace

torch::Tensor to_patches(const torch::Tensor& pixels, int64_t patch_height, int64_t patch_width) {
  return cut(pixels, patch_height, patch_width).movedim(1, 3).flatten(3).flatten(1, 2);
}

torch::Tensor patch_embedding(const torch::Tensor& pixels, const torch::Tensor& weight,
                              const torch::Tensor& bias) {
  const auto patches = cut(pixels, weight.size(2), weight.size(3));
  return torch::einsum("bkrcyx,dkyx->brcd", {patches, weight}).flatten(1, 2) + bias;
}
