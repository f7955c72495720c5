#include "models/experts/expert_options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <utility>

#include "base/option_checks.h"

namespace zoo {
namespace {

/// Without experts the other options would change nothing.
void check_unused(const ExpertOptions& o) {
  const ExpertOptions usual;
  for (const auto& [option, changed] :
       {std::pair("experts-per-token", o.experts_per_token != usual.experts_per_token),
        {"shared-experts", o.shared_experts != usual.shared_experts},
        {"expert-width", o.expert_width != usual.expert_width},
        {"expert-every", o.expert_every != usual.expert_every},
        {"dense-layers", o.dense_layers != usual.dense_layers},
        {"expert-router", o.expert_router != usual.expert_router},
        {"renormalise-experts", o.renormalise_experts != usual.renormalise_experts},
        {"expert-capacity", o.expert_capacity != usual.expert_capacity},
        {"expert-balance", o.expert_balance != usual.expert_balance},
        {"router-z-loss", o.router_z_loss != usual.router_z_loss}}) {
    if (changed)
      throw OptionError(fmt::format("{} needs {}", option_name(option), option_name("experts")));
  }
}

}  // namespace

void check(const ExpertOptions& o) {
  for (const auto& [option, value] : {std::pair("experts", o.experts),
                                      {"shared-experts", o.shared_experts},
                                      {"expert-width", o.expert_width}}) {
    require_at_least(option, value, 0);
  }
  require_option(o.experts <= 65536, "experts", o.experts, "at most 65536");
  require_at_least("expert-every", o.expert_every, 1);
  require_at_least("experts-per-token", o.experts_per_token, 1);
  require_option(o.experts == 0 || o.experts_per_token <= o.experts, "experts-per-token",
                 o.experts_per_token,
                 fmt::format("at most {}, which is {}", option_name("experts"), o.experts));
  for (const auto& [option, value] : {std::pair("expert-capacity", o.expert_capacity),
                                      {"expert-balance", o.expert_balance},
                                      {"router-z-loss", o.router_z_loss}}) {
    require_option(std::isfinite(value) && value >= 0.0, option, value, "0 or more");
  }
  dense_layers(o);  // their form
  if (o.experts == 0) check_unused(o);
}

void resolve(ExpertOptions& o, int64_t feed_forward) {
  if (o.experts > 0 && o.expert_width == 0) o.expert_width = feed_forward;
}

std::set<int64_t> dense_layers(const ExpertOptions& o) {
  std::set<int64_t> layers;
  const char* at = o.dense_layers.data();
  const char* const end = at + o.dense_layers.size();
  while (at != end) {
    int64_t layer = -1;
    const auto [next, error] = std::from_chars(at, end, layer);
    const bool fits = error == std::errc() && layer >= 0 &&
                      (next == end || (*next == ',' && next + 1 != end)) &&
                      layers.insert(layer).second;
    require_option(fits, "dense-layers", o.dense_layers,
                   "numbers of layers, none twice, as in 0,3");
    at = next == end ? end : next + 1;
  }
  return layers;
}

bool has_experts(const ExpertOptions& o, int64_t n) {
  return o.experts > 0 && (n + 1) % o.expert_every == 0 &&
         (o.dense_layers.empty() || !dense_layers(o).contains(n));
}

int64_t layers_with_experts(const ExpertOptions& o, int64_t layers) {
  if (o.experts == 0) return 0;
  const auto dense = dense_layers(o);
  return layers / o.expert_every - std::ranges::count_if(dense, [&](int64_t n) {
           return n < layers && (n + 1) % o.expert_every == 0;
         });
}

MixtureOfExpertsOptions mixture_options(const ExpertOptions& o,
                                        const FeedForwardOptions& feed_forward) {
  FeedForwardOptions expert = feed_forward;
  expert.width = o.expert_width;
  return {.expert = expert,
          .experts = o.experts,
          .experts_per_token = o.experts_per_token,
          .shared_experts = o.shared_experts,
          .score = o.expert_router,
          .renormalise = o.renormalise_experts,
          .capacity = o.expert_capacity,
          .balance = o.expert_balance,
          .router_z = o.router_z_loss};
}

}  // namespace zoo
