#include "models/cost/expert_cost.h"

namespace zoo {
namespace {

/// Parameters of `count` experts, of which `rows` rows together are computed.
ModelCost experts_cost(const FeedForwardOptions& expert, double count, double rows) {
  ModelCost cost = feed_forward_cost(expert, rows);
  cost.parameters *= count;
  return cost;
}

/// Router and shared experts, which every token meets.
ModelCost common_cost(const MixtureOfExpertsOptions& o, double N) {
  const auto C = double(o.expert.d_model), shared = double(o.shared_experts);
  const ModelCost cost = linear_cost(N, C, double(o.experts), /*bias=*/false);
  if (o.shared_experts == 0) return cost;
  ModelCost wide = shared * feed_forward_cost(o.expert, N);  // one network: one bias on its output
  if (o.expert.bias) wide.parameters -= (shared - 1) * C;
  return cost + wide;
}

}  // namespace

ModelCost mixture_cost(const MixtureOfExpertsOptions& o, double N, double kept) {
  return common_cost(o, N) + experts_cost(o.expert, double(o.experts), kept);
}

ModelCost mixture_cost(const MixtureOfExpertsOptions& o, double N) {
  return mixture_cost(o, N, N * double(o.experts_per_token));
}

double active_parameters(const MixtureOfExpertsOptions& o) {
  return (common_cost(o, 1) + experts_cost(o.expert, double(o.experts_per_token), 1)).parameters;
}

}  // namespace zoo
