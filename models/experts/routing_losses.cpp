#include "models/experts/routing_losses.h"

#include "models/layers/batch_shard.h"

namespace zoo {
namespace {

torch::Tensor at_least_one(const torch::Tensor& count) {
  return sum_over_shards(count).clamp_min(1);
}

}  // namespace

torch::Tensor load_balancing_loss(const Routing& routing) {
  const auto& p = routing.probabilities;  // [N, E]
  const int64_t N = p.size(0), E = p.size(1);
  const auto choices =
      sum_over_shards(routing.chosen.flatten().bincount({}, E)).to(p.dtype());  // [E]
  const auto f = choices / choices.sum().clamp_min(1);                          // [E]  Eq. 5
  const auto P = p.sum(0) / at_least_one(torch::full({}, N, p.options()));      // [E]  Eq. 6
  return static_cast<double>(E) * (f * P).sum();                                // []   Eq. 4
}

torch::Tensor router_z_loss(const Routing& routing) {
  const auto log_sums = routing.logits.logsumexp(-1);  // [N]
  const auto tokens = torch::full({}, log_sums.numel(), log_sums.options());
  return log_sums.square().sum() / at_least_one(tokens);  // []
}

}  // namespace zoo
