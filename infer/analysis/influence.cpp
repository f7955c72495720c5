#include "infer/analysis/influence.h"

#include <ATen/ops/linalg_solve.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <stdexcept>

namespace zoo {
namespace {

using Gradients = std::vector<torch::Tensor>;

Gradients gradients_of(const std::vector<torch::Tensor>& weights,
                       const std::function<torch::Tensor()>& loss) {
  const torch::AutoGradMode with_gradients(true);
  return torch::autograd::grad({loss()}, weights, {}, {}, false, /*allow_unused=*/true);
}

double product_of(const Gradients& a, const Gradients& b) {
  double sum = 0;
  for (size_t n = 0; n < a.size(); ++n)
    if (a[n].defined() && b[n].defined())
      sum += (a[n].to(torch::kDouble) * b[n].to(torch::kDouble)).sum().item<double>();
  return sum;
}

}  // namespace

torch::Tensor influence(const FittedHead& head, const LabelledFeatures& training,
                        const LabelledFeatures& test, double damping) {
  constexpr int64_t kMostWeights = 4096;
  const int64_t weights = head.weights.numel();
  if (weights > kMostWeights) {
    throw std::invalid_argument(fmt::format(
        "{} classes times {} features are {} weights, and the exact Hessian takes {} at "
        "most; use --method gradient, or a smaller model",
        head.weights.size(0), head.weights.size(1), weights, kMostWeights));
  }
  auto hessian = logistic_hessian(training, head.weights, head.decay);  // [K C, K C]
  hessian.diagonal().add_(damping);
  const auto g_test = logistic_gradients(test, head.weights);          // [M, K C]
  const auto newton = torch::linalg_solve(hessian, g_test.t());        // [K C, M]
  const auto g_training = logistic_gradients(training, head.weights);  // [N, K C]
  return g_training.matmul(newton).t() / training.x.size(0);           // [M, N]
}

torch::Tensor leave_one_out(const FittedHead& head, const LabelledFeatures& training,
                            const LabelledFeatures& test) {
  const int64_t N = training.x.size(0);
  const auto before = logistic_losses(test, head.weights);  // [M]
  std::vector<torch::Tensor> changes;
  for (int64_t i = 0; i < N; ++i) {
    auto keep = torch::ones({N}, training.x.options());
    keep[i] = 0;
    const auto without = fit_logistic(training, {.classes = head.weights.size(0),
                                                 .decay = head.decay,
                                                 .keep = keep,
                                                 .start = head.weights});
    changes.push_back(logistic_losses(test, without) - before);
  }
  return torch::stack(changes, 1);  // [M, N]
}

GradientProducts gradient_products(const std::vector<torch::Tensor>& weights,
                                   const std::function<torch::Tensor()>& test,
                                   const std::vector<std::function<torch::Tensor()>>& losses) {
  TORCH_CHECK(!losses.empty(), "gradient_products: needs an example");
  const auto N = std::ssize(losses);
  GradientProducts result{.product = torch::zeros({N}, torch::kDouble),
                          .cosine = torch::zeros({N}, torch::kDouble)};
  const Gradients wanted = gradients_of(weights, test);
  const double wanted_length = std::sqrt(product_of(wanted, wanted));
  for (int64_t i = 0; i < N; ++i) {
    const Gradients own = gradients_of(weights, losses[static_cast<size_t>(i)]);
    const double product = product_of(wanted, own);
    const double lengths = wanted_length * std::sqrt(product_of(own, own));
    result.product[i] = product;
    if (lengths > 0) result.cosine[i] = product / lengths;
  }
  return result;
}

}  // namespace zoo
