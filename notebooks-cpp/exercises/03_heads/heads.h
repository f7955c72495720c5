#pragma once
#include "notebooks-cpp/exercises/grader/student.h"

torch::Tensor split_heads(const torch::Tensor& x, int64_t heads);
torch::Tensor merge_heads(const torch::Tensor& y);
std::vector<int64_t> head_strides(const std::vector<int64_t>& strides, int64_t head_width);
bool merge_needs_copy(const std::vector<int64_t>& sizes, const std::vector<int64_t>& strides);
