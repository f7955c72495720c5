// Options of experts in a stack, for command lines, recipes and config.json's "zoo".
#pragma once
#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>

#include "models/experts/mixture_of_experts.h"

namespace zoo {

struct ExpertOptions {
  int64_t experts = 0;            ///< E; 0: feed-forward networks as usual
  int64_t experts_per_token = 2;  ///< K
  int64_t shared_experts = 0;
  int64_t expert_width = 0;  ///< of one; 0: as wide as the feed-forward network in its place
  int64_t expert_every = 1;  ///< layers expert_every, 2 expert_every, ... (from 1) have experts
  std::string dense_layers = {};  ///< of these, layers (from 0) that have none: "0,3"
  RouterScore expert_router = RouterScore::kSoftmax;
  bool renormalise_experts = true;
  double expert_capacity = 0.0;  ///< 0: unlimited
  double expert_balance = 0.01;  ///< Fedus et al. 2021, §2.2
  double router_z_loss = 0.001;  ///< Zoph et al. 2022, §3.4
};

/// The fields except those in `skipped`, as in visit_stack().
template <class Visitor>
void visit_experts(ExpertOptions& o, std::initializer_list<std::string_view> skipped, Visitor&& v) {
  const auto field = [&](const char* name, auto& value, const char* help) {
    if (std::find(skipped.begin(), skipped.end(), name) == skipped.end()) v(name, value, help);
  };
  field("experts", o.experts, "E: experts in place of a feed-forward network (0: none)");
  field("experts-per-token", o.experts_per_token, "K: experts that a token passes");
  field("shared-experts", o.shared_experts, "Experts that every token passes besides");
  field("expert-width", o.expert_width, "Width of an expert (0: as the feed-forward network)");
  field("expert-every", o.expert_every, "Every how many layers one has experts");
  field("dense-layers", o.dense_layers, "Of these, layers (from 0) without experts: 0,3");
  field("expert-router", o.expert_router, "Scores of experts: of all together or each alone");
  field("renormalise-experts", o.renormalise_experts,
        "Weights of a token's experts sum to 1 (use false where it passes one)");
  field("expert-capacity", o.expert_capacity,
        "Tokens an expert takes in training, in even shares (0: all)");
  field("expert-balance", o.expert_balance, "Weight of the load-balancing loss");
  field("router-z-loss", o.router_z_loss, "Weight of the loss on large router logits");
}

/// Throws OptionError for values that no model can have.
void check(const ExpertOptions& options);

/// Fills in the width; feed_forward: that of the network in its place.
void resolve(ExpertOptions& options, int64_t feed_forward);

/// The numbers in the option. Throws OptionError for another form.
std::set<int64_t> dense_layers(const ExpertOptions& options);

/// Whether layer n (from 0) has experts.
bool has_experts(const ExpertOptions& options, int64_t n);
/// How many of so many layers have.
int64_t layers_with_experts(const ExpertOptions& options, int64_t layers);

/// Experts that stand where `feed_forward` would; the width must be resolved.
MixtureOfExpertsOptions mixture_options(const ExpertOptions& options,
                                        const FeedForwardOptions& feed_forward);

}  // namespace zoo
