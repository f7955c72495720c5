// Evaluation: dropout off, no gradients.
#pragma once
#include <torch/nn/module.h>
#include <torch/types.h>

namespace zoo {

/// While alive, the model is measured, not trained.
class Measuring {
 public:
  explicit Measuring(torch::nn::Module& model) : model_(model) { model_.eval(); }
  ~Measuring() { model_.train(); }
  Measuring(const Measuring&) = delete;
  Measuring& operator=(const Measuring&) = delete;

 private:
  torch::nn::Module& model_;
  torch::NoGradGuard no_grad_;
};

}  // namespace zoo
