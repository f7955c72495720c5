#include "models/experts/routing_losses.h"

#include <algorithm>

namespace zoo {
namespace {

double at_least_one(int64_t count) { return static_cast<double>(std::max<int64_t>(1, count)); }

}  // namespace

torch::Tensor load_balancing_loss(const Routing& routing) {
  const auto& p = routing.probabilities;  // [N, E]
  const int64_t N = p.size(0), E = p.size(1);
  const auto choices = routing.chosen.flatten().bincount({}, E).to(p.dtype());  // [E]
  const auto f = choices / at_least_one(routing.chosen.numel());                // [E]  Eq. 5
  const auto P = p.sum(0) / at_least_one(N);                                    // [E]  Eq. 6
  return static_cast<double>(E) * (f * P).sum();                                // []   Eq. 4
}

torch::Tensor router_z_loss(const Routing& routing) {
  const auto log_sums = routing.logits.logsumexp(-1);               // [N]
  return log_sums.square().sum() / at_least_one(log_sums.numel());  // []
}

}  // namespace zoo
