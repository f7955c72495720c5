// The experts of Mixtral, Qwen 3 MoE and DeepSeek-V3 in `transformers` (tests/golden/experts.py)
// with our layer: the same output, and the same load-balancing loss.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "models/experts/routing_losses.h"
#include "tests/models/experts/dense_mixture.h"

namespace zoo {
namespace {

using nlohmann::json;

torch::Tensor tensor_of(const json& numbers, at::IntArrayRef shape) {
  return torch::tensor(numbers.get<std::vector<float>>(), torch::kFloat).view(shape);
}

void copy_into(FeedForwardImpl& network, const torch::Tensor& in, const torch::Tensor& out) {
  network.in_proj->weight.copy_(in);
  network.out_proj->weight.copy_(out);
}

/// The layer of one case: fused matrices [E, 2 F, C] hold gates, then values, as ours do.
MixtureOfExperts layer_of(const json& golden, const json& one) {
  const int64_t C = golden["d_model"], F = golden["width"], E = golden["experts"];
  MixtureOfExperts layer(MixtureOfExpertsOptions{
      .expert = {.d_model = C, .width = F, .activation = Activation::kSwiglu, .bias = false},
      .experts = E,
      .experts_per_token = one["experts_per_token"],
      .shared_experts = one["shared_experts"],
      .score = parse_enum<RouterScore>(one["score"].get<std::string>()),
      .renormalise = one["renormalise"]});
  const torch::NoGradGuard no_grad;
  layer->router->weight.copy_(tensor_of(one["router"], {E, C}));
  const auto in = tensor_of(one["in"], {E, 2 * F, C}), out = tensor_of(one["out"], {E, C, F});
  for (int64_t e = 0; e < E; ++e)
    copy_into(*layer->experts->ptr<FeedForwardImpl>(static_cast<size_t>(e)), in[e], out[e]);
  if (layer->shared) {
    const int64_t wide = F * layer->options.shared_experts;
    copy_into(*layer->shared, tensor_of(one["shared_in"], {2 * wide, C}),
              tensor_of(one["shared_out"], {C, wide}));
  }
  return layer;
}

TEST(ExpertsGoldenTest, AreThoseOfTransformers) {
  std::ifstream in("tests/golden/experts.json");
  const json golden = json::parse(in);
  const int64_t C = golden["d_model"], B = golden["tokens"][0], T = golden["tokens"][1];
  for (const json& one : golden["cases"]) {
    SCOPED_TRACE(one["name"].get<std::string>());
    const torch::NoGradGuard no_grad;
    MixtureOfExperts layer = layer_of(golden, one);
    const auto x = tensor_of(one["x"], {B, T, C}), y = tensor_of(one["y"], {B, T, C});
    EXPECT_TRUE(torch::allclose(layer(x), y, 1e-5, 1e-6)) << (layer(x) - y).abs().max();
    if (!one.contains("balance")) continue;
    const auto balance =
        load_balancing_loss(testing::routing_of(layer, x.flatten(0, 1))).item<double>();
    // Mixtral's code sums its counts over a token's choices; ours are shares of all choices.
    EXPECT_NEAR(balance * one["experts_per_token"].get<double>(), one["balance"].get<double>(),
                1e-5);
  }
}

}  // namespace
}  // namespace zoo
