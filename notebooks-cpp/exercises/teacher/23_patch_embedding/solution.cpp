// Exercise 23: patch embedding. What to write: README.md beside this file. Grade it: scripts/grade.sh 23
#include "notebooks-cpp/exercises/23_patch_embedding/patch_embedding.h"

// pixels [B, channels, H, W] -> [B, P, channels patch_height patch_width]
torch::Tensor to_patches(const torch::Tensor& pixels, int64_t patch_height, int64_t patch_width) {
  // BEGIN SOLUTION 23.1 (5)
  const int64_t B = pixels.size(0), channels = pixels.size(1);
  const int64_t rows = pixels.size(2) / patch_height, columns = pixels.size(3) / patch_width;
  return pixels.narrow(2, 0, rows * patch_height)
      .narrow(3, 0, columns * patch_width)
      .reshape({B, channels, rows, patch_height, columns, patch_width})
      .permute({0, 2, 4, 1, 3, 5})  // [B, rows, columns, channels, patch_height, patch_width]
      .reshape({B, rows * columns, channels * patch_height * patch_width});
  // END SOLUTION
}

// weight [C, channels, patch_height, patch_width], bias [C] -> [B, P, C]
torch::Tensor patch_embedding(const torch::Tensor& pixels, const torch::Tensor& weight,
                              const torch::Tensor& bias) {
  // BEGIN SOLUTION 23.2 (5)
  const auto patches = to_patches(pixels, weight.size(2), weight.size(3));  // [B, P, K]
  const auto matrix = weight.flatten(1).t();                                // [K, C]
  return patches.matmul(matrix) + bias;                                     // [B, P, C]
  // END SOLUTION
}
