#pragma once
#include "notebooks-cpp/exercises/grader/student.h"

torch::Tensor scale_by_temperature(const torch::Tensor& logits, double temperature);
torch::Tensor keep_top_k(const torch::Tensor& logits, int64_t k);
torch::Tensor keep_top_p(const torch::Tensor& logits, double p);
torch::Tensor keep_min_p(const torch::Tensor& logits, double share);
torch::Tensor draw_tokens(const torch::Tensor& logits, const torch::Tensor& numbers);
