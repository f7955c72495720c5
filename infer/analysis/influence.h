// Which training examples an answer depends on. For a head on fixed features exactly, by influence
// functions: Koh & Liang 2017 (arXiv:1703.04730), §2.1, Eq. 2. For a whole model by products of
// gradients: Pruthi et al. 2020 (arXiv:2002.08484), §3.2, TracInCP with one checkpoint.
#pragma once
#include <torch/types.h>

#include <functional>
#include <vector>

#include "infer/analysis/logistic_regression.h"

namespace zoo {

/// Weights [K, C] at the minimum that fit_logistic() found for `training`.
struct FittedHead {
  torch::Tensor weights = {};
  double decay = 0.01;
};

/// [M, N] nats: how much the loss of test example m would grow if training example i had been left
/// out, predicted without fitting again: g_m^T H^-1 g_i / N. Above 0: i helps m. `damping` is added
/// to the Hessian's diagonal. Throws std::invalid_argument for more than 4096 weights: the Hessian
/// would not fit.
torch::Tensor influence(const FittedHead& head, const LabelledFeatures& training,
                        const LabelledFeatures& test, double damping = 0);

/// The same [M, N] by fitting N times, with one example left out each time.
torch::Tensor leave_one_out(const FittedHead& head, const LabelledFeatures& training,
                            const LabelledFeatures& test);

struct GradientProducts {
  torch::Tensor product = {};  ///< [N] double: gradient of the test loss times that of example i
  torch::Tensor cosine = {};   ///< [N]: of the two gradients; 0 where one of them is zero
};

/// A step of gradient descent on example i with a small rate r lowers the test loss by r times
/// product i. `losses` return scalars with gradients by the weights. Leaves .grad as it was.
GradientProducts gradient_products(const std::vector<torch::Tensor>& weights,
                                   const std::function<torch::Tensor()>& test,
                                   const std::vector<std::function<torch::Tensor()>>& losses);

}  // namespace zoo
