#pragma once
#include "notebooks-cpp/exercises/grader/student.h"

/// Given: the first token at which the sum of probabilities [V] exceeds the number in [0, 1).
inline int64_t draw(const torch::Tensor& probabilities, double number) {
  const auto before = probabilities.cumsum(0).le(number).sum().item<int64_t>();
  return std::min(before, probabilities.size(0) - 1);
}

torch::Tensor residual(const torch::Tensor& p, const torch::Tensor& q);
std::tuple<int64_t, bool> accept_or_resample(const torch::Tensor& p, const torch::Tensor& q,
                                             int64_t draft, double keep_number, double draw_number);
std::vector<int64_t> speculate(const torch::Tensor& p, const torch::Tensor& q,
                               const std::vector<int64_t>& drafts,
                               const torch::Tensor& keep_numbers,
                               const torch::Tensor& draw_numbers);
