#pragma once
#include "notebooks-cpp/exercises/grader/student.h"

torch::Tensor causal_mask(int64_t T, int64_t S);
torch::Tensor window_mask(int64_t T, int64_t S, int64_t window, bool causal);
torch::Tensor padding_mask(const torch::Tensor& key_lengths, int64_t S);
torch::Tensor decoder_mask(int64_t T, int64_t S, std::optional<int64_t> window,
                           const torch::Tensor& key_lengths);
