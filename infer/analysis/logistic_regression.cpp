#include "infer/analysis/logistic_regression.h"

#include <fmt/format.h>
#include <torch/optim/lbfgs.h>

#include <stdexcept>

namespace zoo {
namespace {

void check(const LabelledFeatures& examples, const LogisticOptions& options) {
  if (!(options.decay > 0)) {
    throw std::invalid_argument(fmt::format(
        "--decay {} leaves the probe without a unique minimum; give more than 0", options.decay));
  }
  if (examples.y.size(0) == 0) throw std::invalid_argument("no examples to fit a probe to");
  if (examples.y.min().item<int64_t>() < 0 || examples.y.max().item<int64_t>() >= options.classes)
    throw std::invalid_argument(fmt::format("labels must be 0 to {}", options.classes - 1));
}

/// Of the scores [N, K]: probabilities minus the label's one, the gradient of each loss.
torch::Tensor errors_of(const LabelledFeatures& examples, const torch::Tensor& weights) {
  auto errors = torch::matmul(examples.x, weights.t()).softmax(-1);  // [N, K]
  const auto label = examples.y.unsqueeze(1);
  return errors.scatter_add(1, label, torch::full(label.sizes(), -1.0, errors.options()));
}

}  // namespace

torch::Tensor with_bias(const torch::Tensor& x) {
  return torch::cat({x, torch::ones({x.size(0), 1}, x.options())}, 1);
}

torch::Tensor fit_logistic(const LabelledFeatures& examples, const LogisticOptions& options) {
  check(examples, options);
  const torch::NoGradGuard no_grad;
  const int64_t N = examples.x.size(0), C = examples.x.size(1);
  const auto keep =
      options.keep.defined() ? options.keep : torch::ones({N}, examples.x.options());  // [N]
  auto weights = options.start.defined() ? options.start.clone()
                                         : torch::zeros({options.classes, C}, examples.x.options());
  torch::optim::LBFGS optimizer({weights}, torch::optim::LBFGSOptions()
                                               .max_iter(2000)
                                               .max_eval(4000)
                                               .history_size(30)
                                               .tolerance_grad(1e-9)
                                               .tolerance_change(1e-14)
                                               .line_search_fn("strong_wolfe"));
  optimizer.step([&] {
    const auto errors = errors_of(examples, weights) * keep.unsqueeze(1);  // [N, K]
    weights.mutable_grad() = errors.t().matmul(examples.x) / N + options.decay * weights;
    return (logistic_losses(examples, weights) * keep).sum() / N +
           options.decay / 2 * weights.square().sum();
  });
  weights.mutable_grad().reset();
  return weights;
}

torch::Tensor logistic_losses(const LabelledFeatures& examples, const torch::Tensor& weights) {
  const auto log_probabilities = examples.x.matmul(weights.t()).log_softmax(-1);  // [N, K]
  return -log_probabilities.gather(1, examples.y.unsqueeze(1)).squeeze(1);
}

torch::Tensor logistic_gradients(const LabelledFeatures& examples, const torch::Tensor& weights) {
  const auto errors = errors_of(examples, weights);                           // [N, K]
  return (errors.unsqueeze(2) * examples.x.unsqueeze(1)).flatten(1).clone();  // [N, K C]
}

torch::Tensor logistic_hessian(const LabelledFeatures& examples, const torch::Tensor& weights,
                               double decay) {
  const int64_t N = examples.x.size(0), C = examples.x.size(1), K = weights.size(0);
  const auto p = examples.x.matmul(weights.t()).softmax(-1);  // [N, K]
  auto hessian = decay * torch::eye(K * C, examples.x.options());
  for (int64_t k = 0; k < K; ++k) {
    for (int64_t l = 0; l < K; ++l) {
      const auto curve = p.select(1, k) * ((k == l ? 1 : 0) - p.select(1, l));  // [N]
      hessian.narrow(0, k * C, C).narrow(1, l * C, C) +=
          examples.x.t().matmul(curve.unsqueeze(1) * examples.x) / N;
    }
  }
  return hessian;
}

torch::Tensor logistic_classes(const torch::Tensor& x, const torch::Tensor& weights) {
  return x.matmul(weights.t()).argmax(-1);
}

}  // namespace zoo
