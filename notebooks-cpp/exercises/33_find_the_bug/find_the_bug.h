#pragma once
#include "notebooks-cpp/exercises/grader/student.h"

/// The name of what is wrong, and the number that proves it; {"healthy", 0} where nothing is.
using Finding = std::tuple<std::string, double>;

/// Causal attention: q and k [T, Dh], v [T, Dv] -> [T, Dv].
///   "wrong-scale"         how many times as large the scores are as q k / sqrt(Dh)
///   "mask-too-far"        how many keys after its own position a query sees
///   "mask-after-softmax"  the sum of query 0's weights among five keys of equal scores
///   "dropout-on"          the share of weights that are dropped; the others are scaled up
using Attention = std::function<torch::Tensor(const torch::Tensor& q, const torch::Tensor& k,
                                              const torch::Tensor& v)>;
Finding attention_fault(const Attention& attend);

/// Cross entropy: logits [T, V], targets [T] int64 -> the mean over rows; target -100 is left out.
///   "sum-for-mean"        how many times as large the loss is when every row comes twice
///   "pads-counted"        the loss with as many rows of target -100 again, over the loss without
///   "smoothing-on"        the share of the target that is spread evenly over all classes
///   "targets-shifted"     n, where row t is compared with the target of row t + n; within 3
using Loss =
    std::function<torch::Tensor(const torch::Tensor& logits, const torch::Tensor& targets)>;
Finding loss_fault(const Loss& loss);

/// Gradient descent: weights [n] -> the weights before step 1, 2, ... and at the end
/// [steps + 1, n].
///   "gradients-not-zeroed"  step 3 over step 1, where the gradient is the same everywhere
///   "gradients-clipped"     the largest norm of a gradient that gets through; below 100
///   "weight-frozen"         the index of the weight that never moves; below 8
///   "weights-decay"         what a step takes from a weight of 1 without gradient, over the rate
using Gradient = std::function<torch::Tensor(const torch::Tensor& weights)>;
using Training = std::function<torch::Tensor(const torch::Tensor& start, const Gradient& gradient,
                                             double learning_rate, int64_t steps)>;
Finding training_fault(const Training& train);
