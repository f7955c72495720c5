#pragma once
#include "notebooks-cpp/exercises/grader/student.h"

std::tuple<torch::Tensor, torch::Tensor, torch::Tensor> add_tile(const torch::Tensor& scores,
                                                                 const torch::Tensor& v,
                                                                 const torch::Tensor& row_max,
                                                                 const torch::Tensor& row_sum,
                                                                 const torch::Tensor& output);
std::tuple<torch::Tensor, torch::Tensor> flash_forward(
    const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
    const torch::Tensor& may_attend, double scale, int64_t query_block, int64_t key_block);
