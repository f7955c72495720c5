#pragma once
#include "notebooks-cpp/exercises/grader/student.h"

torch::Tensor rotary_frequencies(int64_t head_width, double base);
std::tuple<torch::Tensor, torch::Tensor> rotation(const torch::Tensor& positions,
                                                  const torch::Tensor& frequencies);
torch::Tensor rotate(const torch::Tensor& x, const torch::Tensor& cos, const torch::Tensor& sin);
torch::Tensor rotary_scores(const torch::Tensor& q, const torch::Tensor& k,
                            const torch::Tensor& q_positions, const torch::Tensor& k_positions,
                            double base);
