// Exercise 17: AdamW. What to write: README.md beside this file. Grade it: scripts/grade.sh 17
#include "notebooks-cpp/exercises/17_adamw/adamw.h"

// gradient, exp_avg, exp_avg_sq [...] -> (exp_avg, exp_avg_sq)
std::tuple<torch::Tensor, torch::Tensor> update_moments(const torch::Tensor& gradient,
                                                        const torch::Tensor& exp_avg,
                                                        const torch::Tensor& exp_avg_sq,
                                                        const AdamWOptions& options) {
  // TODO 17.1 (3 marks)
  throw NotDone("17.1");
}

// All [...]; step counts from 1 -> (parameter, exp_avg, exp_avg_sq)
std::tuple<torch::Tensor, torch::Tensor, torch::Tensor> adamw_step(
    const torch::Tensor& parameter, const torch::Tensor& gradient, const torch::Tensor& exp_avg,
    const torch::Tensor& exp_avg_sq, int64_t step, double learning_rate,
    const AdamWOptions& options) {
  // TODO 17.2 (5 marks)
  throw NotDone("17.2");
}

// parameter [...], gradients [N, ...], a learning rate for each -> parameter after N steps
torch::Tensor adamw_steps(const torch::Tensor& parameter, const torch::Tensor& gradients,
                          const std::vector<double>& learning_rates, const AdamWOptions& options) {
  // TODO 17.3 (2 marks)
  throw NotDone("17.3");
}
