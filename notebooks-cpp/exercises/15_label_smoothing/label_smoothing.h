#pragma once
#include "notebooks-cpp/exercises/grader/student.h"

/// An ignored target: padding.
inline constexpr int64_t kIgnored = -100;

torch::Tensor smoothed_targets(const torch::Tensor& targets, int64_t vocab_size,
                               double label_smoothing);
torch::Tensor cross_entropy_mean(const torch::Tensor& logits, const torch::Tensor& targets,
                                 double label_smoothing);
torch::Tensor cross_entropy_gradient(const torch::Tensor& logits, const torch::Tensor& targets,
                                     double label_smoothing);
