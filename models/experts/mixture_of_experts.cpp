// Route, group by expert, one pass of each expert over its rows, add up by token.
#include "models/experts/mixture_of_experts.h"

#include <ATen/core/grad_mode.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <c10/util/Exception.h>

#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "models/experts/expert_statistics.h"
#include "models/experts/routing_losses.h"
#include "models/layers/auxiliary_losses.h"
#include "models/layers/batch_shard.h"
#include "models/layers/token_selection.h"

namespace zoo {
namespace {

MixtureOfExpertsOptions checked_sizes(const MixtureOfExpertsOptions& o) {
  TORCH_CHECK(
      o.experts >= 1 && o.experts_per_token >= 1 && o.experts_per_token <= o.experts,
      "MixtureOfExperts: experts_per_token must be between 1 and the number of experts, got ",
      o.experts_per_token, " and ", o.experts);
  TORCH_CHECK(o.shared_experts >= 0, "MixtureOfExperts: shared_experts must be 0 or more, got ",
              o.shared_experts);
  for (const auto& [name, value] :
       {std::pair("capacity", o.capacity), {"balance", o.balance}, {"router_z", o.router_z}}) {
    TORCH_CHECK(std::isfinite(value) && value >= 0.0, "MixtureOfExperts: ", name,
                " must be 0 or more, got ", value);
  }
  return o;
}

}  // namespace

MixtureOfExpertsImpl::MixtureOfExpertsImpl(const MixtureOfExpertsOptions& options_)
    : options(checked_sizes(options_)) {
  router = register_module(
      "router", torch::nn::Linear(
                    torch::nn::LinearOptions(options.expert.d_model, options.experts).bias(false)));
  experts = register_module("experts", torch::nn::ModuleList());
  for (int64_t e = 0; e < options.experts; ++e) experts->push_back(FeedForward(options.expert));
  if (options.shared_experts > 0) {
    FeedForwardOptions wide = options.expert;
    wide.width *= options.shared_experts;  // a sum of networks is one network
    shared = register_module("shared", FeedForward(wide));
  }
}

torch::Tensor MixtureOfExpertsImpl::forward(const torch::Tensor& x, const torch::Tensor& is_token) {
  const int64_t C = options.expert.d_model;
  TORCH_CHECK(x.dim() >= 1 && x.size(-1) == C, "MixtureOfExperts: expected x [..., ", C, "], got ",
              x.sizes());
  const auto rows = x.reshape({-1, C});  // [B T, C]
  if (!is_token.defined()) return mix(rows).view(x.sizes());
  TORCH_CHECK(is_token.scalar_type() == torch::kBool &&
                  is_token.sizes() == x.sizes().slice(0, static_cast<size_t>(x.dim() - 1)),
              "MixtureOfExperts: is_token must be bool with a value for each token of x ",
              x.sizes(), ", got ", is_token.sizes());
  const auto real = indices_of(is_token);          // [N]
  const auto y = mix(rows.index_select(0, real));  // [N, C]
  return torch::zeros(rows.sizes(), y.options()).index_copy(0, real, y).view(x.sizes());
}

/// x [N, C] -> [N, C]
torch::Tensor MixtureOfExpertsImpl::mix(const torch::Tensor& x) {
  const auto routing =
      route(router_logits(x), options.experts_per_token, options.score, options.renormalise);
  const auto groups = groups_of(routing.chosen);
  auto y = weighted_sum(x, routing, groups);   // [N, C]
  if (shared) y = y + shared_part(x, groups);  // [N, C]  Dai et al., Eq. 9
  if (auto* const statistics = ExpertStatistics::current(); statistics != nullptr)
    statistics->record(this, routing, groups);
  return with_routing_losses(y, routing);
}

torch::Tensor MixtureOfExpertsImpl::shared_part(const torch::Tensor& x,
                                                const ExpertGroups& groups) {
  std::optional<BatchShardGuard> places;  // for dropout
  if (groups.places.defined())
    places.emplace(BatchShard{
        .first = groups.first_token, .rows = x.size(0), .total = groups.tokens_in_batch});
  return shared(x);
}

/// A shard's tokens take their places among those of the whole batch.
ExpertGroups MixtureOfExpertsImpl::groups_of(const torch::Tensor& chosen) const {
  const int64_t E = options.experts, K = options.experts_per_token;
  const auto capacity_for = [&](int64_t N) {
    return options.capacity > 0.0 && is_training()
               ? std::optional(expert_capacity(options.capacity, N, K, E))
               : std::nullopt;
  };
  const BatchShard* const shard = BatchShardGuard::current();
  if (shard == nullptr) return group_by_expert(chosen, E, capacity_for(chosen.size(0)));
  const auto counts = shard->gather(torch::tensor({chosen.size(0)}, torch::kLong));  // [shards]
  const auto all = shard->gather(chosen);                                            // [N', K]
  const int64_t first = counts.narrow(0, 0, shard->rank).sum().item<int64_t>();
  return group_shard(all, first, chosen.size(0), E, capacity_for(all.size(0)));
}

/// [N, E], in full precision under autocast as well: Fedus et al., §2.4, "selective precision".
torch::Tensor MixtureOfExpertsImpl::router_logits(const torch::Tensor& x) {
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
  return router(x.to(router->weight.scalar_type()));
}

/// Shazeer et al., Eq. 1: y = sum over chosen experts of weight * expert(x). [N, C] -> [N, C]
torch::Tensor MixtureOfExpertsImpl::weighted_sum(const torch::Tensor& x, const Routing& routing,
                                                 const ExpertGroups& groups) {
  const auto gathered = x.index_select(0, groups.tokens);      // [M, C]: by expert
  const auto parts = gathered.split_with_sizes(groups.sizes);  // E times [m, C]
  // An expert without tokens is computed where its weights need a gradient, which is 0.
  const bool all = torch::GradMode::is_enabled() || groups.tokens.numel() == 0;
  std::vector<torch::Tensor> results;
  int64_t begin = 0;
  for (size_t e = 0; e < parts.size(); begin += groups.sizes[e++]) {
    std::optional<BatchShardGuard> places;  // for dropout
    if (groups.places.defined())
      places.emplace(BatchShard{.rows = groups.sizes[e],
                                .total = groups.sizes_in_batch[e],
                                .places = groups.places.narrow(0, begin, groups.sizes[e])});
    // One with tokens in another process draws for dropout as it does there.
    const bool is_busy =
        groups.sizes[e] > 0 || (groups.places.defined() && groups.sizes_in_batch[e] > 0);
    if (all || is_busy) results.push_back(experts->at<FeedForwardImpl>(e).forward(parts[e]));
  }
  const auto y = torch::cat(results);  // [M, C]
  const auto weights =
      routing.weights.t().reshape({-1, 1}).index_select(0, groups.choices);  // [M, 1]
  return torch::zeros(x.sizes(), y.options())
      .index_add(0, groups.tokens, y * weights.to(y.scalar_type()));  // [N, C]
}

torch::Tensor MixtureOfExpertsImpl::with_routing_losses(torch::Tensor y,
                                                        const Routing& routing) const {
  if (!is_training()) return y;
  if (options.balance > 0.0) {
    y = with_auxiliary_loss(y, "expert_balance", options.balance,
                            [&] { return load_balancing_loss(routing); });
  }
  if (options.router_z > 0.0) {
    y = with_auxiliary_loss(y, "router_z", options.router_z,
                            [&] { return router_z_loss(routing); });
  }
  return y;
}

}  // namespace zoo
