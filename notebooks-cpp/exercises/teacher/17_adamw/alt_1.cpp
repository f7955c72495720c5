// Another way: lerp and addcmul, in place on copies, with both corrections in the step size.
#include "notebooks-cpp/exercises/17_adamw/adamw.h"

std::tuple<torch::Tensor, torch::Tensor> update_moments(const torch::Tensor& gradient,
                                                        const torch::Tensor& exp_avg,
                                                        const torch::Tensor& exp_avg_sq,
                                                        const AdamWOptions& options) {
  auto m = exp_avg.clone(), v = exp_avg_sq.clone();
  m.lerp_(gradient, 1 - options.beta1);
  v.mul_(options.beta2).addcmul_(gradient, gradient, 1 - options.beta2);
  return {m, v};
}

std::tuple<torch::Tensor, torch::Tensor, torch::Tensor> adamw_step(
    const torch::Tensor& parameter, const torch::Tensor& gradient, const torch::Tensor& exp_avg,
    const torch::Tensor& exp_avg_sq, int64_t step, double learning_rate,
    const AdamWOptions& options) {
  auto [m, v] = update_moments(gradient, exp_avg, exp_avg_sq, options);
  double power1 = 1, power2 = 1;
  for (int64_t n = 0; n < step; ++n) {
    power1 *= options.beta1;
    power2 *= options.beta2;
  }
  const auto denominator = (v.sqrt() / std::sqrt(1 - power2)).add_(options.epsilon);
  auto p = parameter.clone();
  p.mul_(1 - learning_rate * options.weight_decay);
  p.addcdiv_(m, denominator, -learning_rate / (1 - power1));
  return {p, m, v};
}

torch::Tensor adamw_steps(const torch::Tensor& parameter, const torch::Tensor& gradients,
                          const std::vector<double>& learning_rates, const AdamWOptions& options) {
  std::tuple<torch::Tensor, torch::Tensor, torch::Tensor> state{
      parameter, torch::zeros_like(parameter), torch::zeros_like(parameter)};
  int64_t step = 0;
  for (const auto& gradient : gradients.unbind(0)) {
    const auto& [p, m, v] = state;
    const double rate = learning_rates[static_cast<size_t>(step++)];
    state = adamw_step(p, gradient, m, v, step, rate, options);
  }
  return std::get<0>(state);
}
