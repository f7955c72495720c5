#pragma once
#include "notebooks-cpp/exercises/grader/student.h"

torch::Tensor alibi_slopes(int64_t heads);
torch::Tensor alibi_relative_bias(const torch::Tensor& slopes, int64_t T, int64_t S);
torch::Tensor dense_bias(const torch::Tensor& relative_bias, int64_t S);
