#pragma once
#include "notebooks-cpp/exercises/grader/student.h"

torch::Tensor answer_log_probs(const torch::Tensor& logits, const torch::Tensor& tokens,
                               const torch::Tensor& is_answer);
torch::Tensor dpo_loss(const torch::Tensor& policy_chosen, const torch::Tensor& policy_rejected,
                       const torch::Tensor& reference_chosen,
                       const torch::Tensor& reference_rejected, double beta);
std::tuple<torch::Tensor, torch::Tensor> dpo_gradient(const torch::Tensor& policy_chosen,
                                                      const torch::Tensor& policy_rejected,
                                                      const torch::Tensor& reference_chosen,
                                                      const torch::Tensor& reference_rejected,
                                                      double beta);
