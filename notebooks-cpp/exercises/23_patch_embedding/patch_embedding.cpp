// Exercise 23: patch embedding. What to write: README.md beside this file. Grade it: scripts/grade.sh 23
#include "notebooks-cpp/exercises/23_patch_embedding/patch_embedding.h"

// pixels [B, channels, H, W] -> [B, P, channels patch_height patch_width]
torch::Tensor to_patches(const torch::Tensor& pixels, int64_t patch_height, int64_t patch_width) {
  // TODO 23.1 (5 marks)
  throw NotDone("23.1");
}

// weight [C, channels, patch_height, patch_width], bias [C] -> [B, P, C]
torch::Tensor patch_embedding(const torch::Tensor& pixels, const torch::Tensor& weight,
                              const torch::Tensor& bias) {
  // TODO 23.2 (5 marks)
  throw NotDone("23.2");
}
