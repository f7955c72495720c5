// Mixture of experts: E feed-forward networks where a block has one, of which each token passes K.
// Shazeer et al. 2017 (arXiv:1701.06538), Eq. 1; Fedus et al. 2021 (arXiv:2101.03961), §2; experts
// that all tokens share: Dai et al. 2024 (arXiv:2401.06066), Eq. 9.
//
// Many parameters, few at work: with N tokens, the operations of N K experts, not N E.
#pragma once
#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include "models/experts/expert_groups.h"
#include "models/experts/router.h"
#include "models/layers/feed_forward.h"

namespace zoo {

struct MixtureOfExpertsOptions {
  FeedForwardOptions expert = {};  ///< each routed expert; its width is F
  int64_t experts = 0;             ///< E
  int64_t experts_per_token = 2;   ///< K
  int64_t shared_experts = 0;      ///< that every token passes, unweighted; one network, so wide
  RouterScore score = RouterScore::kSoftmax;
  bool renormalise =
      true;  ///< a token's K weights sum to 1 (Mixtral), or stay as they are (Switch)
  /// In training an expert takes capacity * N K / E tokens of a batch; a choice beyond that adds
  /// nothing to its token's sum. 0: all it gets. In evaluation always all, because a limit would
  /// make a token's result depend on other tokens.
  double capacity = 0.0;
  double balance = 0.0;   ///< weight of load_balancing_loss(), reported as "expert_balance"
  double router_z = 0.0;  ///< weight of router_z_loss(), reported as "router_z"
};

/// x [B, T, C] -> [B, T, C], or any other [..., C]. Memory beyond that of N K rows of one
/// feed-forward network: three copies of these rows.
class MixtureOfExpertsImpl : public torch::nn::Module {
 public:
  explicit MixtureOfExpertsImpl(const MixtureOfExpertsOptions& options);
  /// is_token [B, T] bool (token_mask() makes it of lengths): where it is false is padding, which
  /// is not read, counts nowhere, and gives zeros. Undefined: there is none.
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& is_token = {});
  MixtureOfExpertsOptions options;
  torch::nn::Linear router{nullptr};       // [E, C]
  torch::nn::ModuleList experts{nullptr};  // E times FeedForward
  FeedForward shared{nullptr};             // empty without shared experts

 private:
  torch::Tensor mix(const torch::Tensor& x);
  torch::Tensor shared_part(const torch::Tensor& x, const ExpertGroups& groups);
  ExpertGroups groups_of(const torch::Tensor& chosen) const;
  torch::Tensor router_logits(const torch::Tensor& x);
  torch::Tensor weighted_sum(const torch::Tensor& x, const Routing& routing,
                             const ExpertGroups& groups);
  torch::Tensor with_routing_losses(torch::Tensor y, const Routing& routing) const;
};
TORCH_MODULE(MixtureOfExperts);

}  // namespace zoo
