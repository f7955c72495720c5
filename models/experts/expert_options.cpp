#include "models/experts/expert_options.h"

#include <cmath>
#include <utility>

#include "base/option_checks.h"

namespace zoo {

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
  require_option(o.experts > 0 || o.shared_experts == 0, "shared-experts", o.shared_experts,
                 fmt::format("0 with {} 0", option_name("experts")));
  for (const auto& [option, value] : {std::pair("expert-capacity", o.expert_capacity),
                                      {"expert-balance", o.expert_balance},
                                      {"router-z-loss", o.router_z_loss}}) {
    require_option(std::isfinite(value) && value >= 0.0, option, value, "0 or more");
  }
}

void resolve(ExpertOptions& o, int64_t feed_forward) {
  if (o.expert_width == 0) o.expert_width = feed_forward;
}

bool has_experts(const ExpertOptions& o, int64_t n) {
  return o.experts > 0 && (n + 1) % o.expert_every == 0;
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
