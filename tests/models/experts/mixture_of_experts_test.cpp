// A layer of experts against its definition in float64, values and gradients, and its laws.
#include "models/experts/mixture_of_experts.h"

#include <ATen/autocast_mode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "models/batching/padding.h"
#include "models/experts/expert_statistics.h"
#include "models/experts/routing_losses.h"
#include "models/layers/auxiliary_losses.h"
#include "tests/models/experts/dense_mixture.h"
#include "tests/models/experts/kept_choices.h"
#include "tests/models/parameters.h"
#include "tests/support/gradient_check.h"

namespace zoo {
namespace {

using testing::dense_mixture;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::kept_choices;
using testing::routing_of;
using testing::torch_error_of;

constexpr int64_t kWidth = 6;  // C

MixtureOfExpertsOptions small_mixture() {
  return {.expert = {.d_model = kWidth, .width = 5}, .experts = 4, .experts_per_token = 2};
}
MixtureOfExperts mixture_of(const MixtureOfExpertsOptions& options) {
  torch::manual_seed(21);
  MixtureOfExperts layer(options);
  const torch::NoGradGuard no_grad;
  for (auto& p : layer->parameters()) p.normal_(0, 0.7);
  layer->to(torch::kDouble);
  return layer;
}
torch::Tensor random_tokens(at::IntArrayRef shape) {
  torch::manual_seed(22);
  return torch::randn(shape, torch::kDouble);
}
bool near(const torch::Tensor& a, const torch::Tensor& b, double tolerance = 1e-10) {
  return a.sizes() == b.sizes() && torch::allclose(a, b, tolerance, tolerance);
}

struct MixtureCase {
  std::string name;
  MixtureOfExpertsOptions options;
  int64_t tokens = 9;
};
void PrintTo(const MixtureCase& c, std::ostream* out) { *out << c.name; }

std::vector<MixtureCase> mixture_cases() {
  std::vector<MixtureCase> cases;
  const auto add = [&](const std::string& name, auto change, int64_t tokens = 9) {
    MixtureOfExpertsOptions o = small_mixture();
    change(o);
    cases.push_back({name, o, tokens});
  };
  using O = MixtureOfExpertsOptions;
  add("Mixtral", [](O& o) { o.expert.activation = Activation::kSwiglu, o.expert.bias = false; });
  add("Switch", [](O& o) { o.experts_per_token = 1, o.renormalise = false; });
  add("DeepSeek", [](O& o) { o.shared_experts = 2, o.score = RouterScore::kSigmoid; });
  add("NotRenormalised",
      [](O& o) { o.renormalise = false, o.expert.activation = Activation::kRelu; });
  add("SigmoidNotRenormalised",
      [](O& o) { o.renormalise = false, o.score = RouterScore::kSigmoid; });
  add("AllExperts", [](O& o) { o.experts_per_token = 4; });
  add("OneExpert", [](O& o) { o.experts = o.experts_per_token = 1; });
  add(
      "MoreExpertsThanChoices", [](O& o) { o.experts = 13; }, 3);
  add(
      "OneToken", [](O& o) { o.experts_per_token = 3; }, 1);
  add(
      "NoToken", [](O&) {}, 0);
  add(
      "Capacity", [](O& o) { o.capacity = 0.8; }, 11);
  add(
      "TightCapacityAndShared", [](O& o) { o.capacity = 0.2, o.shared_experts = 1; }, 11);
  return cases;
}

class MixtureTest : public ::testing::TestWithParam<MixtureCase> {
 protected:
  MixtureOfExperts layer = mixture_of(GetParam().options);
  torch::Tensor x = random_tokens({GetParam().tokens, kWidth}).requires_grad_(true);  // [N, C]
  torch::Tensor factors = torch::randn({GetParam().tokens, kWidth}, torch::kDouble);

  torch::Tensor by_definition() {
    const auto& o = layer->options;
    if (o.capacity == 0.0) return dense_mixture(layer, x);
    const int64_t room = expert_capacity(o.capacity, x.size(0), o.experts_per_token, o.experts);
    return dense_mixture(layer, x, kept_choices(routing_of(layer, x).chosen, o.experts, room));
  }
  std::vector<torch::Tensor> leaves() const {
    auto leaves = layer->parameters();
    leaves.push_back(x);
    return leaves;
  }
};

TEST_P(MixtureTest, EqualsItsDefinitionWithItsGradients) {
  const auto ours = layer(x), wanted = by_definition();
  EXPECT_TRUE(near(ours, wanted)) << (ours - wanted).abs().max();
  const auto gradients =
      torch::autograd::grad({(ours * factors).sum()}, leaves(), {}, {}, {}, true);
  const auto expected =
      torch::autograd::grad({(wanted * factors).sum()}, leaves(), {}, {}, {}, true);
  for (size_t n = 0; n < gradients.size(); ++n) {
    ASSERT_TRUE(gradients[n].defined()) << n;  // zeros where an expert got no token
    EXPECT_TRUE(near(gradients[n], expected[n])) << n;
  }
}

TEST_P(MixtureTest, GradientsMatchDifferences) {
  testing::expect_gradients_match_differences([&] { return (layer(x) * factors).sum(); }, leaves(),
                                              12);
}

TEST_P(MixtureTest, InEvaluationEveryTokenIsComputedAsIfItWereAlone) {
  const torch::NoGradGuard no_grad;
  layer->eval();
  const auto together = layer(x);
  for (int64_t t = 0; t < x.size(0); ++t)
    EXPECT_TRUE(near(together[t], layer(x[t]), 1e-12)) << t;  // also: x [C] -> [C]
  if (x.size(0) < 2) return;
  auto changed = x.detach().clone();
  changed[1] += 1;
  const auto after = layer(changed);
  EXPECT_FALSE(near(after[1], together[1]));
  EXPECT_TRUE(near(after[0], together[0], 1e-12));
  EXPECT_TRUE(near(after.slice(0, 2), together.slice(0, 2), 1e-12));
}

TEST_P(MixtureTest, PaddingIsNotReadAndTakesNoRoom) {
  // Rows of 4 and 2 tokens, with NaN in the padding.
  const int64_t T = 5;
  const auto lengths = torch::tensor({4, 2}, torch::kLong);
  const auto is_token = token_mask(lengths, T);  // [B, T]
  auto padded = random_tokens({2, T, kWidth});
  padded = padded.masked_fill(is_token.logical_not().unsqueeze(-1), NAN).requires_grad_(true);
  auto alone = padded.detach().masked_select(is_token.unsqueeze(-1)).view({6, kWidth});
  alone.requires_grad_(true);
  const auto y = layer->forward(padded, is_token);  // [B, T, C]
  const auto wanted = layer->forward(alone);        // [N, C]
  const auto at_tokens = y.masked_select(is_token.unsqueeze(-1)).view({6, kWidth});
  EXPECT_TRUE(torch::equal(at_tokens, wanted));
  EXPECT_EQ(y.masked_select(is_token.logical_not().unsqueeze(-1)).abs().sum().item<double>(), 0.0);
  y.square().sum().backward();
  wanted.square().sum().backward();
  EXPECT_TRUE(
      torch::equal(padded.grad().masked_select(is_token.unsqueeze(-1)), alone.grad().flatten()));
  EXPECT_EQ(
      padded.grad().masked_select(is_token.logical_not().unsqueeze(-1)).abs().sum().item<double>(),
      0.0);
}

INSTANTIATE_TEST_SUITE_P(Options, MixtureTest, ::testing::ValuesIn(mixture_cases()),
                         [](const auto& info) { return info.param.name; });

TEST(MixtureOfExpertsTest, OneExpertIsAFeedForwardNetwork) {
  auto options = small_mixture();
  options.experts = options.experts_per_token = 1;
  auto layer = mixture_of(options);
  const auto x = random_tokens({2, 3, kWidth});
  EXPECT_TRUE(near(layer(x), layer->experts->at<FeedForwardImpl>(0).forward(x), 1e-14));
}

TEST(MixtureOfExpertsTest, ChoicesBeyondTheCapacityAreDroppedInTrainingOnly) {
  auto options = small_mixture();
  options.experts = 2, options.experts_per_token = 1, options.capacity = 1.0;
  auto layer = mixture_of(options);
  {
    const torch::NoGradGuard no_grad;
    layer->router->weight.zero_().select(0, 1).fill_(-1.0);  // expert 0 for positive sums
  }
  const auto x = random_tokens({2, 2, kWidth}).abs();
  const auto trained = layer(x).flatten(0, 1);  // room for 2 of 4 tokens
  EXPECT_GT(trained.slice(0, 0, 2).abs().min().item<double>(), 0.0);
  EXPECT_EQ(trained.slice(0, 2).abs().sum().item<double>(), 0.0);
  layer->eval();
  const auto used = layer(x).flatten(0, 1);
  EXPECT_TRUE(near(used.slice(0, 0, 2), trained.slice(0, 0, 2), 1e-12));
  EXPECT_GT(used.slice(0, 2).abs().min().item<double>(), 0.0);
}

TEST(MixtureOfExpertsTest, OnlyChosenExpertsAreRead) {
  auto layer = mixture_of(small_mixture());
  const torch::NoGradGuard no_grad;
  layer->router->weight.zero_();  // equal scores: experts 0 and 1
  for (const size_t unused : {2U, 3U}) {
    for (auto& p : layer->experts->at<FeedForwardImpl>(unused).parameters()) p.fill_(NAN);
  }
  EXPECT_TRUE(layer(random_tokens({3, kWidth})).isfinite().all().item<bool>());
}

TEST(MixtureOfExpertsTest, TheGradientIsThatOfTheLossAndTheWeightedRoutingLosses) {
  auto options = small_mixture();
  options.balance = 0.3, options.router_z = 0.2;
  auto layer = mixture_of(options);
  auto x = random_tokens({5, kWidth}).requires_grad_(true);
  auto leaves = layer->parameters();
  leaves.push_back(x);
  const auto wanted_of = [&] {
    const Routing routing = routing_of(layer, x);
    return dense_mixture(layer, x).pow(3).sum() + 0.3 * load_balancing_loss(routing) +
           0.2 * router_z_loss(routing);
  };
  const auto wanted = torch::autograd::grad({wanted_of()}, leaves);
  const Routing routing = routing_of(layer, x);
  AuxiliaryLosses auxiliary;
  const auto ours = torch::autograd::grad({layer(x).pow(3).sum()}, leaves);
  for (size_t n = 0; n < ours.size(); ++n) EXPECT_TRUE(near(ours[n], wanted[n])) << n;
  EXPECT_NEAR(auxiliary.means().at("expert_balance"), load_balancing_loss(routing).item<double>(),
              1e-12);
  EXPECT_NEAR(auxiliary.means().at("router_z"), router_z_loss(routing).item<double>(), 1e-12);
  layer->eval();
  AuxiliaryLosses none;
  layer(x);
  EXPECT_TRUE(none.means().empty());
}

TEST(MixtureOfExpertsTest, PaddingIsNoPartOfTheRoutingLosses) {
  auto options = small_mixture();
  options.balance = options.router_z = 1.0;
  auto layer = mixture_of(options);
  auto x = random_tokens({2, 4, kWidth});
  const auto is_token = token_mask(torch::tensor({3, 1}, torch::kLong), 4);
  const auto means = [&](const torch::Tensor& tokens, const torch::Tensor& mask) {
    AuxiliaryLosses auxiliary;
    layer->forward(tokens, mask);
    return auxiliary.means();
  };
  const auto alone = x.masked_select(is_token.unsqueeze(-1)).view({4, kWidth});
  EXPECT_EQ(means(x, is_token), means(alone, {}));
  EXPECT_NE(means(x, {}), means(alone, {}));
  // A batch of padding alone adds nothing.
  const auto nothing = means(x, torch::zeros({2, 4}, torch::kBool));
  EXPECT_EQ(nothing.at("expert_balance"), 0.0);
  EXPECT_EQ(nothing.at("router_z"), 0.0);
}

TEST(MixtureOfExpertsTest, WorksInHalfPrecisionAndRoutesInFullPrecisionUnderAutocast) {
  auto layer = mixture_of(small_mixture());
  const torch::NoGradGuard no_grad;
  const auto x = random_tokens({7, kWidth});
  const auto exact = layer(x);
  layer->to(torch::kFloat);
  const auto probabilities = [&] {
    ExpertStatistics statistics;
    layer(x.to(torch::kFloat));
    return statistics.layers().at(0).probability;
  };
  const auto full = probabilities();
  at::autocast::set_autocast_enabled(at::kCPU, true);
  const auto half = probabilities();
  const auto y = layer(x.to(torch::kFloat));
  at::autocast::set_autocast_enabled(at::kCPU, false);
  at::autocast::clear_cache();
  EXPECT_EQ(half, full);
  EXPECT_EQ(y.scalar_type(), torch::kBFloat16);
  EXPECT_TRUE(near(y.to(torch::kDouble), exact, 0.1));
  layer->to(torch::kBFloat16);
  EXPECT_EQ(layer(x.to(torch::kBFloat16)).scalar_type(), torch::kBFloat16);
}

TEST(MixtureOfExpertsTest, ParametersHaveTheNamesOfTheSchema) {
  auto options = small_mixture();
  options.experts = 2, options.shared_experts = 3;
  options.expert.activation = Activation::kSwiglu;
  EXPECT_THAT(
      testing::parameter_lines(*MixtureOfExperts(options)),
      ElementsAre("router.weight 2 6", "experts.0.in_proj.weight 10 6", "experts.0.in_proj.bias 10",
                  "experts.0.out_proj.weight 6 5", "experts.0.out_proj.bias 6",
                  "experts.1.in_proj.weight 10 6", "experts.1.in_proj.bias 10",
                  "experts.1.out_proj.weight 6 5", "experts.1.out_proj.bias 6",
                  "shared.in_proj.weight 30 6", "shared.in_proj.bias 30",
                  "shared.out_proj.weight 6 15", "shared.out_proj.bias 6"));
}

TEST(MixtureOfExpertsTest, SaysWhatItNeeds) {
  const auto refusal = [](auto change) {
    MixtureOfExpertsOptions o = small_mixture();
    change(o);
    return torch_error_of([&] { MixtureOfExperts layer(o); });
  };
  using O = MixtureOfExpertsOptions;
  EXPECT_THAT(refusal([](O& o) { o.experts_per_token = 5; }),
              HasSubstr("MixtureOfExperts: experts_per_token must be between 1 and the number of "
                        "experts, got 5 and 4"));
  EXPECT_THAT(refusal([](O& o) { o.experts = 0; }), HasSubstr("got 2 and 0"));
  EXPECT_THAT(refusal([](O& o) { o.shared_experts = -1; }),
              HasSubstr("MixtureOfExperts: shared_experts must be 0 or more, got -1"));
  EXPECT_THAT(refusal([](O& o) { o.capacity = -0.5; }),
              HasSubstr("MixtureOfExperts: capacity must be 0 or more, got -0.5"));
  EXPECT_THAT(refusal([](O& o) { o.balance = NAN; }), HasSubstr("balance must be 0 or more"));
  EXPECT_THAT(refusal([](O& o) { o.expert.width = 0; }), HasSubstr("FeedForward: d_model and"));
  auto layer = mixture_of(small_mixture());
  const auto x = random_tokens({2, 3, kWidth});
  EXPECT_THAT(torch_error_of([&] {
                layer(random_tokens({2, 3, 5}));
              }),
              HasSubstr("MixtureOfExperts: expected x [..., 6], got [2, 3, 5]"));
  EXPECT_THAT(torch_error_of([&] {
                layer->forward(x, torch::ones({2, 4}, torch::kBool));
              }),
              HasSubstr("is_token must be bool with a value for each token of x [2, 3, 6]"));
  EXPECT_THAT(torch_error_of([&] {
                layer->forward(x, torch::ones({2, 3}));
              }),
              HasSubstr("is_token must be bool"));
}

}  // namespace
}  // namespace zoo
