// Exercise 17: AdamW. What to write: README.md beside this file. Grade it: scripts/grade.sh 17
#include "notebooks-cpp/exercises/17_adamw/adamw.h"

// gradient, exp_avg, exp_avg_sq [...] -> (exp_avg, exp_avg_sq)
std::tuple<torch::Tensor, torch::Tensor> update_moments(const torch::Tensor& gradient,
                                                        const torch::Tensor& exp_avg,
                                                        const torch::Tensor& exp_avg_sq,
                                                        const AdamWOptions& options) {
  // BEGIN SOLUTION 17.1 (3)
  const double beta1 = options.beta1, beta2 = options.beta2;
  return {beta1 * exp_avg + (1 - beta1) * gradient,                 // Algorithm 2, line 7
          beta2 * exp_avg_sq + (1 - beta2) * gradient * gradient};  // line 8
  // END SOLUTION
}

// All [...]; step counts from 1 -> (parameter, exp_avg, exp_avg_sq)
std::tuple<torch::Tensor, torch::Tensor, torch::Tensor> adamw_step(
    const torch::Tensor& parameter, const torch::Tensor& gradient, const torch::Tensor& exp_avg,
    const torch::Tensor& exp_avg_sq, int64_t step, double learning_rate,
    const AdamWOptions& options) {
  // BEGIN SOLUTION 17.2 (5)
  const auto [m, v] = update_moments(gradient, exp_avg, exp_avg_sq, options);
  const auto t = static_cast<double>(step);
  const auto mean = m / (1 - std::pow(options.beta1, t));    // line 9
  const auto square = v / (1 - std::pow(options.beta2, t));  // line 10
  const auto decayed = (1 - learning_rate * options.weight_decay) * parameter;
  return {decayed - learning_rate * mean / (square.sqrt() + options.epsilon), m, v};  // line 12
  // END SOLUTION
}

// parameter [...], gradients [N, ...], a learning rate for each -> parameter after N steps
torch::Tensor adamw_steps(const torch::Tensor& parameter, const torch::Tensor& gradients,
                          const std::vector<double>& learning_rates, const AdamWOptions& options) {
  // BEGIN SOLUTION 17.3 (2)
  auto p = parameter, m = torch::zeros_like(parameter), v = torch::zeros_like(parameter);
  for (int64_t n = 0; n < gradients.size(0); ++n) {
    const double rate = learning_rates.at(static_cast<size_t>(n));
    std::tie(p, m, v) = adamw_step(p, gradients[n], m, v, n + 1, rate, options);
  }
  return p;
  // END SOLUTION
}
