// Exercise 27: the DPO loss. What to write: README.md beside this file. Grade it: scripts/grade.sh 27
#include "notebooks-cpp/exercises/27_dpo_loss/dpo_loss.h"

// logits [N, T, V], tokens [N, T] int64, is_answer [N, T] bool -> [N]
torch::Tensor answer_log_probs(const torch::Tensor& logits, const torch::Tensor& tokens,
                               const torch::Tensor& is_answer) {
  // TODO 27.1 (4 marks)
  throw NotDone("27.1");
}

// log-probabilities of answers [N], four times -> []
torch::Tensor dpo_loss(const torch::Tensor& policy_chosen, const torch::Tensor& policy_rejected,
                       const torch::Tensor& reference_chosen,
                       const torch::Tensor& reference_rejected, double beta) {
  // TODO 27.2 (4 marks)
  throw NotDone("27.2");
}

// -> gradients of dpo_loss() in policy_chosen and in policy_rejected, [N] each, without autograd
std::tuple<torch::Tensor, torch::Tensor> dpo_gradient(const torch::Tensor& policy_chosen,
                                                      const torch::Tensor& policy_rejected,
                                                      const torch::Tensor& reference_chosen,
                                                      const torch::Tensor& reference_rejected,
                                                      double beta) {
  // TODO 27.3 (2 marks)
  throw NotDone("27.3");
}
