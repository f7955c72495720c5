#pragma once
#include "notebooks-cpp/exercises/grader/student.h"

struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.95;
  double epsilon = 1e-8;
  double weight_decay = 0.1;
};

std::tuple<torch::Tensor, torch::Tensor> update_moments(const torch::Tensor& gradient,
                                                        const torch::Tensor& exp_avg,
                                                        const torch::Tensor& exp_avg_sq,
                                                        const AdamWOptions& options);
std::tuple<torch::Tensor, torch::Tensor, torch::Tensor> adamw_step(
    const torch::Tensor& parameter, const torch::Tensor& gradient, const torch::Tensor& exp_avg,
    const torch::Tensor& exp_avg_sq, int64_t step, double learning_rate,
    const AdamWOptions& options);
torch::Tensor adamw_steps(const torch::Tensor& parameter, const torch::Tensor& gradients,
                          const std::vector<double>& learning_rates, const AdamWOptions& options);
