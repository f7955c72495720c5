// Evaluation: dropout off, no gradients.
#pragma once
#include <torch/nn/module.h>
#include <torch/types.h>

namespace zoo {

/// While alive, the model is in evaluation mode and no gradients are recorded.
class EvaluationMode {
 public:
  explicit EvaluationMode(torch::nn::Module& model) : model_(model) { model_.eval(); }
  ~EvaluationMode() { model_.train(); }
  EvaluationMode(const EvaluationMode&) = delete;
  EvaluationMode& operator=(const EvaluationMode&) = delete;

 private:
  torch::nn::Module& model_;
  torch::NoGradGuard no_grad_;
};

}  // namespace zoo
