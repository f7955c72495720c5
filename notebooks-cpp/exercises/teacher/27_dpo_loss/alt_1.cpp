// Another way: one-hot products, softplus, and the gradient from the derivative of the loss in d.
#include "notebooks-cpp/exercises/27_dpo_loss/dpo_loss.h"

torch::Tensor answer_log_probs(const torch::Tensor& logits, const torch::Tensor& tokens,
                               const torch::Tensor& is_answer) {
  const auto before = logits.slice(1, 0, -1), log_total = before.logsumexp(-1);
  const auto hit = torch::one_hot(tokens.slice(1, 1), logits.size(-1)).to(torch::kBool);
  const auto own = torch::where(hit, before, 0.0).sum(-1);
  const auto counts = is_answer.slice(1, 1);
  return torch::where(counts, own - log_total, torch::zeros_like(own)).sum(1);
}

torch::Tensor dpo_loss(const torch::Tensor& policy_chosen, const torch::Tensor& policy_rejected,
                       const torch::Tensor& reference_chosen,
                       const torch::Tensor& reference_rejected, double beta) {
  const auto reference = (reference_chosen - reference_rejected).detach();
  return torch::softplus(-(policy_chosen - policy_rejected - reference) * beta).mean();
}

std::tuple<torch::Tensor, torch::Tensor> dpo_gradient(const torch::Tensor& policy_chosen,
                                                      const torch::Tensor& policy_rejected,
                                                      const torch::Tensor& reference_chosen,
                                                      const torch::Tensor& reference_rejected,
                                                      double beta) {
  const auto z = beta * (policy_chosen - policy_rejected - reference_chosen + reference_rejected);
  const auto in_d = (z.sigmoid() - 1) * beta / policy_chosen.size(0);
  return {in_d, in_d * -1};
}
