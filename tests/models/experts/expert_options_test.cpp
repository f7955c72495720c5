// The options of experts in a stack: names, checks, and the layer that they describe.
#include "models/experts/expert_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/option_error.h"

namespace zoo {
namespace {

using ::testing::ElementsAre;

TEST(ExpertOptionsTest, HaveTheNamesOfTheContract) {
  ExpertOptions options;
  std::vector<std::string> names;
  visit_experts(options, {"expert-width", "router-z-loss"},
                [&](const char* name, auto&, const char*) { names.push_back(name); });
  EXPECT_THAT(names, ElementsAre("experts", "experts-per-token", "shared-experts", "expert-every",
                                 "dense-layers", "expert-router", "renormalise-experts",
                                 "expert-capacity", "expert-balance"));
}

TEST(ExpertOptionsTest, ValuesThatNoModelCanHaveAreNamed) {
  const auto refusal = [](auto change) -> std::string {
    ExpertOptions o;
    o.experts = 4;
    change(o);
    try {
      check(o);
    } catch (const OptionError& error) {
      return error.with_dashes();
    }
    return "";
  };
  using O = ExpertOptions;
  EXPECT_EQ(refusal([](O&) {}), "");
  EXPECT_EQ(refusal([](O& o) { o.experts = 0; }), "");
  EXPECT_EQ(refusal([](O& o) { o.experts = -1; }), "--experts must be 0 or more, got -1");
  EXPECT_EQ(refusal([](O& o) { o.experts_per_token = 0; }),
            "--experts-per-token must be 1 or more, got 0");
  EXPECT_EQ(refusal([](O& o) { o.experts_per_token = 5; }),
            "--experts-per-token must be at most --experts, which is 4, got 5");
  EXPECT_EQ(refusal([](O& o) { o.shared_experts = -1; }),
            "--shared-experts must be 0 or more, got -1");
  EXPECT_EQ(refusal([](O& o) { o.experts = 0, o.shared_experts = 1; }),
            "--shared-experts needs --experts");
  EXPECT_EQ(refusal([](O& o) { o.experts = 0, o.expert_router = RouterScore::kSigmoid; }),
            "--expert-router needs --experts");
  EXPECT_EQ(refusal([](O& o) { o.experts = 65537; }), "--experts must be at most 65536, got 65537");
  EXPECT_EQ(refusal([](O& o) { o.expert_width = -1; }), "--expert-width must be 0 or more, got -1");
  EXPECT_EQ(refusal([](O& o) { o.expert_every = 0; }), "--expert-every must be 1 or more, got 0");
  for (const char* layers : {"1,", ",1", "-1", "a", "1 2", "2,2"}) {
    EXPECT_EQ(refusal([&](O& o) { o.dense_layers = layers; }),
              std::string("--dense-layers must be numbers of layers, none twice, as in 0,3, got ") +
                  layers);
  }
  EXPECT_EQ(refusal([](O& o) { o.experts = 0, o.dense_layers = "0"; }),
            "--dense-layers needs --experts");
  EXPECT_EQ(refusal([](O& o) { o.expert_capacity = -1; }),
            "--expert-capacity must be 0 or more, got -1");
  EXPECT_EQ(refusal([](O& o) { o.expert_balance = INFINITY; }),
            "--expert-balance must be 0 or more, got inf");
  EXPECT_EQ(refusal([](O& o) { o.router_z_loss = NAN; }),
            "--router-z-loss must be 0 or more, got nan");
}

TEST(ExpertOptionsTest, DescribeALayerInPlaceOfAFeedForwardNetwork) {
  ExpertOptions o;
  o.experts = 6, o.experts_per_token = 3, o.shared_experts = 2, o.expert_every = 2;
  o.expert_router = RouterScore::kSigmoid, o.renormalise_experts = false;
  o.expert_capacity = 1.5, o.expert_balance = 0.3, o.router_z_loss = 0.4;
  const FeedForwardOptions dense{
      .d_model = 8, .width = 20, .activation = Activation::kSwiglu, .bias = false, .dropout = 0.1};
  resolve(o, dense.width);
  EXPECT_EQ(o.expert_width, 20);
  o.expert_width = 12;
  resolve(o, dense.width);
  const MixtureOfExpertsOptions layer = mixture_options(o, dense);
  EXPECT_EQ(layer.expert.d_model, 8);
  EXPECT_EQ(layer.expert.width, 12);
  EXPECT_EQ(layer.expert.activation, Activation::kSwiglu);
  EXPECT_FALSE(layer.expert.bias);
  EXPECT_EQ(layer.expert.dropout, 0.1);
  EXPECT_EQ(layer.experts, 6);
  EXPECT_EQ(layer.experts_per_token, 3);
  EXPECT_EQ(layer.shared_experts, 2);
  EXPECT_EQ(layer.score, RouterScore::kSigmoid);
  EXPECT_FALSE(layer.renormalise);
  EXPECT_EQ(layer.capacity, 1.5);
  EXPECT_EQ(layer.balance, 0.3);
  EXPECT_EQ(layer.router_z, 0.4);
  std::vector<bool> layers;
  for (int64_t n = 0; n < 4; ++n) layers.push_back(has_experts(o, n));
  EXPECT_THAT(layers, ElementsAre(false, true, false, true));
  o.dense_layers = "0,3,9";  // of which layer 3 alone would have experts
  EXPECT_TRUE(has_experts(o, 1));
  EXPECT_FALSE(has_experts(o, 3));
  EXPECT_EQ(layers_with_experts(o, 9), 3);
  EXPECT_EQ(layers_with_experts(o, 10), 3);
  EXPECT_EQ(layers_with_experts(o, 12), 4);
  o.experts = 0;
  EXPECT_FALSE(has_experts(o, 1));
}

}  // namespace
}  // namespace zoo
