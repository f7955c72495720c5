#pragma once
#include "notebooks-cpp/exercises/grader/student.h"

/// A target that does not count: padding.
inline constexpr int64_t kIgnored = -100;

std::tuple<torch::Tensor, torch::Tensor> collate_targets(
    const std::vector<std::vector<int64_t>>& texts, int64_t start, int64_t end, int64_t pad);
torch::Tensor next_token_loss(const torch::Tensor& logits, const torch::Tensor& targets);
