// Exercise 27: the DPO loss. What to write: README.md beside this file. Grade it: scripts/grade.sh 27
#include "notebooks-cpp/exercises/27_dpo_loss/dpo_loss.h"

// logits [N, T, V], tokens [N, T] int64, is_answer [N, T] bool -> [N]
torch::Tensor answer_log_probs(const torch::Tensor& logits, const torch::Tensor& tokens,
                               const torch::Tensor& is_answer) {
  // BEGIN SOLUTION 27.1 (4)
  const int64_t T = tokens.size(1);
  const auto predicted = tokens.narrow(1, 1, T - 1).unsqueeze(-1);  // [N, T - 1, 1]
  const auto log_p = torch::log_softmax(logits.narrow(1, 0, T - 1), -1);
  const auto of_tokens = log_p.gather(-1, predicted).squeeze(-1);  // [N, T - 1]
  return of_tokens.masked_fill(is_answer.narrow(1, 1, T - 1).logical_not(), 0.0).sum(-1);
  // END SOLUTION
}

// log-probabilities of answers [N], four times -> []
torch::Tensor dpo_loss(const torch::Tensor& policy_chosen, const torch::Tensor& policy_rejected,
                       const torch::Tensor& reference_chosen,
                       const torch::Tensor& reference_rejected, double beta) {
  // BEGIN SOLUTION 27.2 (4)
  const auto chosen = policy_chosen - reference_chosen.detach();  // [N]
  const auto rejected = policy_rejected - reference_rejected.detach();
  return -torch::log_sigmoid(beta * (chosen - rejected)).mean();  // Eq. 7
  // END SOLUTION
}

// -> gradients of dpo_loss() in policy_chosen and in policy_rejected, [N] each, without autograd
std::tuple<torch::Tensor, torch::Tensor> dpo_gradient(const torch::Tensor& policy_chosen,
                                                      const torch::Tensor& policy_rejected,
                                                      const torch::Tensor& reference_chosen,
                                                      const torch::Tensor& reference_rejected,
                                                      double beta) {
  // BEGIN SOLUTION 27.3 (2)
  const auto d = (policy_chosen - reference_chosen) - (policy_rejected - reference_rejected);
  // The weight of a pair: near 1 where it is ranked wrongly, near 0 where rightly.
  const auto g = torch::sigmoid(-beta * d) * (beta / static_cast<double>(d.numel()));
  return {-g, g};
  // END SOLUTION
}
