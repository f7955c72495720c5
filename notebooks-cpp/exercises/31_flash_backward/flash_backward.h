#pragma once
#include "notebooks-cpp/exercises/grader/student.h"

torch::Tensor row_delta(const torch::Tensor& y, const torch::Tensor& dy);
torch::Tensor tile_weights(const torch::Tensor& q, const torch::Tensor& k,
                           const torch::Tensor& may_attend, double scale,
                           const torch::Tensor& log_sum_exp);
std::tuple<torch::Tensor, torch::Tensor, torch::Tensor> flash_backward(
    const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
    const torch::Tensor& may_attend, double scale, const torch::Tensor& y,
    const torch::Tensor& log_sum_exp, const torch::Tensor& dy, int64_t query_block,
    int64_t key_block);
