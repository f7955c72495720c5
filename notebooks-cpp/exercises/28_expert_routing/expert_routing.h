#pragma once
#include "notebooks-cpp/exercises/grader/student.h"

using Expert = std::function<torch::Tensor(const torch::Tensor& x)>;  // [n, C] -> [n, C]

std::tuple<torch::Tensor, torch::Tensor> route(const torch::Tensor& logits, int64_t top_k,
                                               bool renormalise);
torch::Tensor within_capacity(const torch::Tensor& chosen, int64_t n_experts, int64_t capacity);
torch::Tensor mixture(const torch::Tensor& x, const torch::Tensor& weights,
                      const torch::Tensor& chosen, const torch::Tensor& kept,
                      const std::vector<Expert>& experts);
torch::Tensor balance_loss(const torch::Tensor& logits, double alpha);
