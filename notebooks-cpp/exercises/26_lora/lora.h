#pragma once
#include "notebooks-cpp/exercises/grader/student.h"

std::tuple<torch::Tensor, torch::Tensor> lora_init(const torch::Tensor& uniform,
                                                   int64_t out_features);
torch::Tensor lora_linear(const torch::Tensor& x, const torch::Tensor& weight,
                          const torch::Tensor& a, const torch::Tensor& b, double alpha);
std::tuple<torch::Tensor, torch::Tensor> lora_merge(const torch::Tensor& weight,
                                                    const torch::Tensor& a, const torch::Tensor& b,
                                                    double alpha);
torch::Tensor lora_unmerge(const torch::Tensor& merged, const torch::Tensor& kept);
