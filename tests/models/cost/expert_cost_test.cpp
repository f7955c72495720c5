// The cost of a mixture of experts: what the layer has, and what torch computes in it.
#include "models/cost/expert_cost.h"

#include <functional>
#include <vector>

#include "tests/models/cost/measured_cost.h"
#include "tests/models/experts/dense_mixture.h"

namespace zoo {
namespace {

using testing::counted_flops;

MixtureOfExpertsOptions counted_mixture() {
  return {.expert = {.d_model = 12, .width = 7}, .experts = 5, .experts_per_token = 2};
}

TEST(ExpertCostTest, IsWhatTheLayerHasAndComputes) {
  using O = MixtureOfExpertsOptions;
  const std::vector<std::function<void(O&)>> changes = {
      [](O&) {},
      [](O& o) { o.expert.activation = Activation::kSwiglu, o.expert.bias = false; },
      [](O& o) { o.shared_experts = 3; },
      [](O& o) { o.shared_experts = 2, o.expert.bias = false; },
      [](O& o) { o.experts = 1, o.experts_per_token = 1; },
      [](O& o) { o.experts_per_token = 5, o.score = RouterScore::kSigmoid; }};
  for (size_t n = 0; n < changes.size(); ++n) {
    SCOPED_TRACE(n);
    O options = counted_mixture();
    changes[n](options);
    torch::manual_seed(31);
    MixtureOfExperts layer(options);
    const auto x = torch::randn({3, 6, 12});
    testing::expect_cost(mixture_cost(options, 18), *layer, [&] { layer(x); });
  }
}

TEST(ExpertCostTest, FallsWithTheChoicesThatAreDropped) {
  MixtureOfExpertsOptions options = counted_mixture();
  options.capacity = 0.5;
  torch::manual_seed(32);
  MixtureOfExperts layer(options);
  const auto x = torch::randn({20, 12});
  const torch::NoGradGuard no_grad;
  const auto groups = group_by_expert(testing::routing_of(layer, x).chosen, options.experts,
                                      expert_capacity(options.capacity, 20, 2, 5));
  const double kept = static_cast<double>(groups.choices.numel());
  EXPECT_LT(kept, 40);
  const testing::FlopCounter counter;
  layer(x);  // in training: with its capacity
  EXPECT_EQ(counter.flops(), mixture_cost(options, 20, kept).forward_flops);
}

TEST(ExpertCostTest, TheDefinitionComputesAllExperts) {
  const MixtureOfExpertsOptions options = counted_mixture();
  MixtureOfExperts layer(options);
  const auto x = torch::randn({20, 12});
  const double dense = counted_flops(*layer, [&] { testing::dense_mixture(layer, x); });
  EXPECT_EQ(dense, mixture_cost(options, 20, 20 * 5).forward_flops);
  EXPECT_LT(mixture_cost(options, 20).forward_flops, dense / 2);
}

TEST(ExpertCostTest, ATokenMeetsTheRouterItsExpertsAndTheSharedOnes) {
  MixtureOfExpertsOptions options = counted_mixture();
  const double expert = 2 * 12 * 7 + 7 + 12;
  EXPECT_EQ(active_parameters(options), 5 * 12 + 2 * expert);
  options.shared_experts = 3;
  EXPECT_EQ(active_parameters(options), 5 * 12 + 2 * expert + (2 * 12 * 21 + 21 + 12));
  // Mixtral 8x7B, Jiang et al. 2024, Table 1: d_model 4096, width 14336, 8 experts, 2 a token, 32
  // layers. Of 47 G parameters 13 G are active: the experts make the difference.
  const MixtureOfExpertsOptions mixtral{
      .expert = {.d_model = 4096, .width = 14336, .activation = Activation::kSwiglu, .bias = false},
      .experts = 8,
      .experts_per_token = 2};
  const double all = mixture_cost(mixtral, 1).parameters, active = active_parameters(mixtral);
  EXPECT_NEAR(32 * (all - active) / 1e9, 47 - 13, 0.5);
}

}  // namespace
}  // namespace zoo
