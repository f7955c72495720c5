// What a mixture of experts consists of and computes.
#pragma once
#include "models/cost/cost.h"
#include "models/experts/mixture_of_experts.h"

namespace zoo {

/// N tokens, all of whose N K choices are computed, as without a capacity.
ModelCost mixture_cost(const MixtureOfExpertsOptions& options, double N);
/// N tokens, `kept` of whose choices are computed: the sum of ExpertGroups::sizes.
ModelCost mixture_cost(const MixtureOfExpertsOptions& options, double N, double kept);
/// Of all parameters, those that one token meets: the router, K experts, the shared ones.
double active_parameters(const MixtureOfExpertsOptions& options);

}  // namespace zoo
