#pragma once
#include "notebooks-cpp/exercises/grader/student.h"

/// The target of a place where nothing is to be predicted; losses leave it out.
inline constexpr int64_t kIgnored = -100;

torch::Tensor choose_tokens(const torch::Tensor& tokens, const torch::Tensor& special,
                            const torch::Tensor& lots, double share);
std::tuple<torch::Tensor, torch::Tensor> mask_tokens(const torch::Tensor& tokens,
                                                     const torch::Tensor& chosen,
                                                     const torch::Tensor& lots,
                                                     const torch::Tensor& words,
                                                     const torch::Tensor& ordinary, int64_t mask);
