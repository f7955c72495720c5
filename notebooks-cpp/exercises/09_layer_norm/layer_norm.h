#pragma once
#include "notebooks-cpp/exercises/grader/student.h"

torch::Tensor layer_norm(const torch::Tensor& x, const torch::Tensor& weight,
                         const torch::Tensor& bias, double epsilon);
std::tuple<torch::Tensor, torch::Tensor, torch::Tensor> layer_norm_backward(
    const torch::Tensor& dy, const torch::Tensor& x, const torch::Tensor& weight, double epsilon);
