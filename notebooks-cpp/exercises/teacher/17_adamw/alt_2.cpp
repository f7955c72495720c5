// Another way: number by number, in double.
#include "notebooks-cpp/exercises/17_adamw/adamw.h"

template <class Change>
static torch::Tensor each(const torch::Tensor& like, Change change) {
  auto out = torch::empty(like.sizes(), torch::kDouble);
  for (int64_t n = 0; n < out.numel(); ++n) out.data_ptr<double>()[n] = change(n);
  return out.to(like.dtype());
}
static std::vector<double> numbers(const torch::Tensor& t) {
  const auto flat = t.to(torch::kDouble).contiguous();
  return {flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel()};
}

std::tuple<torch::Tensor, torch::Tensor> update_moments(const torch::Tensor& gradient,
                                                        const torch::Tensor& exp_avg,
                                                        const torch::Tensor& exp_avg_sq,
                                                        const AdamWOptions& options) {
  const auto g = numbers(gradient), m = numbers(exp_avg), v = numbers(exp_avg_sq);
  const double b1 = options.beta1, b2 = options.beta2;
  return {each(gradient, [&](auto n) { return m[n] + (1 - b1) * (g[n] - m[n]); }),
          each(gradient, [&](auto n) { return v[n] + (1 - b2) * (g[n] * g[n] - v[n]); })};
}

std::tuple<torch::Tensor, torch::Tensor, torch::Tensor> adamw_step(
    const torch::Tensor& parameter, const torch::Tensor& gradient, const torch::Tensor& exp_avg,
    const torch::Tensor& exp_avg_sq, int64_t step, double learning_rate,
    const AdamWOptions& options) {
  const auto [new_m, new_v] = update_moments(gradient, exp_avg, exp_avg_sq, options);
  const auto m = numbers(new_m), v = numbers(new_v), p = numbers(parameter);
  return {each(parameter,
               [&](auto n) {
                 const double mean = m[n] / -std::expm1(step * std::log(options.beta1));
                 const double square = v[n] / -std::expm1(step * std::log(options.beta2));
                 const double move = mean / (std::sqrt(square) + options.epsilon);
                 return p[n] - learning_rate * (move + options.weight_decay * p[n]);
               }),
          new_m, new_v};
}

torch::Tensor adamw_steps(const torch::Tensor& parameter, const torch::Tensor& gradients,
                          const std::vector<double>& learning_rates, const AdamWOptions& options) {
  torch::Tensor p = parameter, m = torch::zeros_like(p), v = torch::zeros_like(p);
  for (size_t n = 0; n < learning_rates.size(); ++n)
    std::tie(p, m, v) = adamw_step(p, gradients.select(0, static_cast<int64_t>(n)), m, v,
                                   static_cast<int64_t>(n + 1), learning_rates[n], options);
  return p;
}
