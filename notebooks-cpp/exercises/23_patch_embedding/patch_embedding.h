#pragma once
#include "notebooks-cpp/exercises/grader/student.h"

torch::Tensor to_patches(const torch::Tensor& pixels, int64_t patch_height, int64_t patch_width);
torch::Tensor patch_embedding(const torch::Tensor& pixels, const torch::Tensor& weight,
                              const torch::Tensor& bias);
