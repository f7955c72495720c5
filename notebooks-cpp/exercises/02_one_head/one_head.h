#pragma once
#include "notebooks-cpp/exercises/grader/student.h"

torch::Tensor attention_weights(const torch::Tensor& q, const torch::Tensor& k,
                                const torch::Tensor& may_attend);
torch::Tensor attend_one_head(const torch::Tensor& q, const torch::Tensor& k,
                              const torch::Tensor& v, const torch::Tensor& may_attend);
