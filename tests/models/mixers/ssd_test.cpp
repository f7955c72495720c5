// The state space against the scan that defines it, and Mamba-2's block against `transformers`.
#include "models/mixers/ssd.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace zoo {
namespace {

using nlohmann::json;

SsdInputs ssd_inputs(int64_t T) {
  const auto normal = [](at::IntArrayRef shape) { return torch::randn(shape, torch::kDouble); };
  return {.x = normal({2, 4, T, 3}),
          .dt = torch::rand({2, 4, T}, torch::kDouble),
          .A = -torch::rand({4}, torch::kDouble) * 3,
          .B = normal({2, 2, T, 5}),
          .C = normal({2, 2, T, 5}),
          .D = normal({4})};
}

TEST(SsdTest, AllFormsAreTheScanOfTheStateSpace) {
  torch::manual_seed(2);
  const SsdInputs in = ssd_inputs(19);
  auto wanted = torch::zeros({2, 4, 19, 3}, torch::kDouble);
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t h = 0; h < 4; ++h) {
      auto state = torch::zeros({3, 5}, torch::kDouble);  // [P, N], Eq. 2
      for (int64_t t = 0; t < 19; ++t) {
        const auto dt = in.dt[b][h][t], x = in.x[b][h][t];
        state = state * (dt * in.A[h]).exp() + dt * torch::outer(x, in.B[b][h / 2][t]);
        wanted[b][h][t] = torch::matmul(state, in.C[b][h / 2][t]) + in.D[h] * x;
      }
    }
  EXPECT_TRUE(torch::allclose(ssd_recurrent(in).y, wanted, 1e-10, 1e-10));
  EXPECT_TRUE(torch::allclose(ssd_parallel(in), wanted, 1e-10, 1e-10));
  for (const int64_t chunk : {1, 4, 19, 32})
    EXPECT_TRUE(torch::allclose(ssd_chunked(in, {}, chunk).y, wanted, 1e-10, 1e-10)) << chunk;
}

TEST(SsdTest, TheConvolutionIsTorchs) {
  torch::manual_seed(3);
  const auto x = torch::randn({2, 9, 5}, torch::kDouble);
  const auto weight = torch::randn({5, 4}, torch::kDouble),
             bias = torch::randn({5}, torch::kDouble);
  const auto wanted =
      torch::conv1d(x.transpose(1, 2), weight.unsqueeze(1), bias, 1, at::IntArrayRef{0}, 1, 5)
          .transpose(1, 2);
  EXPECT_TRUE(torch::allclose(causal_convolution(x, weight, bias), wanted, 1e-12, 1e-12));
}

TEST(SsdTest, FirstStepsAndRatesLieWhereTheOptionsSay) {
  torch::manual_seed(1);
  const SsdMixer layer({.d_model = 64, .heads = 32});
  const auto dt = torch::softplus(layer.step_bias);
  EXPECT_GE(dt.min().item<double>(), 0.99e-3);
  EXPECT_LE(dt.max().item<double>(), 0.101);
  EXPECT_LT(dt.min().item<double>(), 0.01);
  EXPECT_GT(dt.max().item<double>(), 0.03);
}

torch::Tensor tensor_of(const json& numbers) {
  const auto values = numbers["values"].get<std::vector<double>>();
  return torch::tensor(values, torch::kDouble)
      .reshape(numbers["shape"].get<std::vector<int64_t>>());
}

TEST(SsdTest, TheBlockIsMamba2sOfTransformers) {
  std::ifstream file("tests/golden/mamba2.json");
  const json cases = json::parse(file);
  ASSERT_EQ(cases.size(), 2u);
  for (const json& one : cases) {
    SsdMixer layer({.d_model = one["hidden_size"],
                    .heads = one["num_heads"],
                    .expand = one["expand"],
                    .state = one["state_size"],
                    .groups = one["n_groups"],
                    .convolution = one["conv_kernel"],
                    .chunk = 4});
    layer.to(torch::kDouble);
    const auto given = [&](const char* name) { return tensor_of(one["tensors"][name]); };
    const torch::NoGradGuard no_grad;
    layer.in_proj->weight.copy_(given("in_proj.weight"));
    layer.convolution_weight.copy_(given("conv1d.weight").squeeze(1));
    layer.convolution_bias.copy_(given("conv1d.bias"));
    layer.step_bias.copy_(given("dt_bias"));
    layer.log_rate.copy_(given("A_log"));
    layer.skip.copy_(given("D"));
    layer.norm_weight.copy_(given("norm.weight"));
    layer.out_proj->weight.copy_(given("out_proj.weight"));
    EXPECT_TRUE(torch::allclose(layer.forward(given("x")), given("y"), 1e-4, 1e-5));
  }
}

}  // namespace
}  // namespace zoo
