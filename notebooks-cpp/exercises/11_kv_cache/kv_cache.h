#pragma once
#include "notebooks-cpp/exercises/grader/student.h"

torch::Tensor append(const torch::Tensor& cache, const torch::Tensor& fresh,
                     const torch::Tensor& lengths);
torch::Tensor attend_cached(const torch::Tensor& q, const torch::Tensor& keys,
                            const torch::Tensor& values, const torch::Tensor& query_start);
std::tuple<torch::Tensor, torch::Tensor, torch::Tensor, torch::Tensor> decode_step(
    const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
    const torch::Tensor& keys, const torch::Tensor& values, const torch::Tensor& lengths);
