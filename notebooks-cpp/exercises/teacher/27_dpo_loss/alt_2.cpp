// Another way: a loop over sequences and tokens, and a loop over pairs.
#include "notebooks-cpp/exercises/27_dpo_loss/dpo_loss.h"

torch::Tensor answer_log_probs(const torch::Tensor& logits, const torch::Tensor& tokens,
                               const torch::Tensor& is_answer) {
  std::vector<torch::Tensor> sums;
  for (int64_t n = 0; n < tokens.size(0); ++n) {
    auto sum = torch::zeros({});
    for (int64_t t = 1; t < tokens.size(1); ++t) {
      if (!is_answer[n][t].item<bool>()) continue;
      const auto row = logits[n][t - 1];
      const auto shifted = row - row.max();
      sum = sum + shifted[tokens[n][t].item<int64_t>()] - shifted.exp().sum().log();
    }
    sums.push_back(sum);
  }
  return torch::stack(sums);
}

torch::Tensor dpo_loss(const torch::Tensor& policy_chosen, const torch::Tensor& policy_rejected,
                       const torch::Tensor& reference_chosen,
                       const torch::Tensor& reference_rejected, double beta) {
  torch::Tensor total = torch::zeros({});
  const int64_t N = policy_chosen.size(0);
  for (int64_t n = 0; n < N; ++n) {
    const double reference =
        reference_chosen[n].item<double>() - reference_rejected[n].item<double>();
    const auto z = (policy_chosen[n] - policy_rejected[n] - reference) * beta;
    total = total + torch::logaddexp(torch::zeros({}), -z);
  }
  return total / N;
}

std::tuple<torch::Tensor, torch::Tensor> dpo_gradient(const torch::Tensor& policy_chosen,
                                                      const torch::Tensor& policy_rejected,
                                                      const torch::Tensor& reference_chosen,
                                                      const torch::Tensor& reference_rejected,
                                                      double beta) {
  auto chosen = torch::empty_like(policy_chosen), rejected = torch::empty_like(policy_chosen);
  const auto N = static_cast<double>(chosen.numel());
  for (int64_t n = 0; n < chosen.numel(); ++n) {
    const auto at = [&](const torch::Tensor& t) { return t[n].item<double>(); };
    const double d =
        at(policy_chosen) - at(policy_rejected) - at(reference_chosen) + at(reference_rejected);
    rejected[n] = beta / N / (1 + std::exp(beta * d));
    chosen[n] = -rejected[n];
  }
  return {chosen, rejected};
}
