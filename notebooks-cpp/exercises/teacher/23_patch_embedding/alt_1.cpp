// Another way: patch by patch.
#include "notebooks-cpp/exercises/23_patch_embedding/patch_embedding.h"

torch::Tensor to_patches(const torch::Tensor& pixels, int64_t patch_height, int64_t patch_width) {
  std::vector<torch::Tensor> patches;
  for (int64_t y = 0; y + patch_height <= pixels.size(2); y += patch_height)
    for (int64_t x = 0; x + patch_width <= pixels.size(3); x += patch_width)
      patches.push_back(pixels.narrow(2, y, patch_height).narrow(3, x, patch_width).flatten(1));
  return torch::stack(patches, 1);
}

torch::Tensor patch_embedding(const torch::Tensor& pixels, const torch::Tensor& weight,
                              const torch::Tensor& bias) {
  const auto patches = to_patches(pixels, weight.size(2), weight.size(3));
  std::vector<torch::Tensor> channels;
  for (int64_t c = 0; c < weight.size(0); ++c)
    channels.push_back((patches * weight[c].flatten()).sum(-1) + bias[c]);
  return torch::stack(channels, -1);
}
