// Softmax regression on features that stay as they are: the head that probes and influence
// functions study, because its loss is convex and its Hessian small. Bishop 2006, "Pattern
// Recognition and Machine Learning", §4.3.4.
#pragma once
#include <torch/types.h>

#include <cstdint>

namespace zoo {

/// N examples. A bias is a feature that is 1 for all of them.
struct LabelledFeatures {
  torch::Tensor x = {};  ///< [N, C] double
  torch::Tensor y = {};  ///< [N] int64, classes from 0 on
};

/// x [N, C] -> [N, C + 1] with a column of ones.
torch::Tensor with_bias(const torch::Tensor& x);

struct LogisticOptions {
  int64_t classes = 2;       ///< K
  double decay = 0.01;       ///< the penalty is decay / 2 times the sum of squares of all weights
  torch::Tensor keep = {};   ///< [N] double: how much each example counts; undefined: 1
  torch::Tensor start = {};  ///< [K, C]; undefined: zeros
};

/// The weights [K, C] that minimise 1 / N sum keep_i loss_i + penalty (nats), by L-BFGS on all
/// examples at once. The minimum is unique; no randomness. N counts examples with keep 0 as well,
/// so that leaving one out changes nothing else. Throws std::invalid_argument for a decay that is
/// not positive, no examples, and labels outside 0 .. K - 1.
torch::Tensor fit_logistic(const LabelledFeatures& examples, const LogisticOptions& options);

/// -> [N] nats
torch::Tensor logistic_losses(const LabelledFeatures& examples, const torch::Tensor& weights);
/// Of each example's loss by the weights -> [N, K C]
torch::Tensor logistic_gradients(const LabelledFeatures& examples, const torch::Tensor& weights);
/// Of the whole objective at the weights -> [K C, K C], symmetric, positive definite.
torch::Tensor logistic_hessian(const LabelledFeatures& examples, const torch::Tensor& weights,
                               double decay);
/// -> [N] int64: the class with the largest score
torch::Tensor logistic_classes(const torch::Tensor& x, const torch::Tensor& weights);

}  // namespace zoo
