#include "train/loop/optimizer.h"

#include <gmock/gmock.h>
#include <torch/nn/modules/linear.h>

#include <torch/nn/modules/container/sequential.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/train/loop/thread_processes.h"
#include "train/loop/precision.h"
#include "train/loop/weight_average.h"

namespace zoo {
namespace {

/// A layer whose gradients are set by hand.
torch::nn::Linear layer_with_gradients(double seed) {
  torch::nn::Linear layer(3, 2);
  const torch::NoGradGuard no_grad;
  for (auto& p : layer->parameters()) {
    p.copy_(torch::linspace(-1.0, 1.0, p.numel()).view_as(p) * seed);
    p.mutable_grad() = torch::linspace(0.5, -0.7, p.numel()).view_as(p).clone() * seed;
  }
  return layer;
}

// Algorithm 2 of Loshchilov & Hutter 2019, in float64, gradients the same at each update.
torch::Tensor by_hand(torch::Tensor w, const torch::Tensor& gradient, int updates, double lr,
                      double decay) {
  w = w.to(torch::kDouble);
  const auto g = gradient.to(torch::kDouble);
  auto m = torch::zeros_like(w), v = torch::zeros_like(w);
  for (int t = 1; t <= updates; ++t) {
    m = 0.9 * m + 0.1 * g;
    v = 0.99 * v + 0.01 * g * g;
    const auto m_hat = m / (1 - std::pow(0.9, t)), v_hat = v / (1 - std::pow(0.99, t));
    w = w - lr * decay * w - lr * m_hat / (v_hat.sqrt() + 1e-8);
  }
  return w;
}

TEST(AdamWTest, FollowsThePublishedAlgorithmAndDecaysMatricesOnly) {
  auto layer = layer_with_gradients(1.0);
  const auto weight = layer->weight.detach().clone(), bias = layer->bias.detach().clone();
  AdamW adamw(*layer, {.beta1 = 0.9, .beta2 = 0.99, .weight_decay = 0.3});
  for (int n = 0; n < 5; ++n) adamw.step(0.01);
  const auto near = [](const torch::Tensor& a, const torch::Tensor& b) {
    return (a.to(torch::kDouble) - b).abs().max().item<double>();
  };
  EXPECT_LT(near(layer->weight, by_hand(weight, layer->weight.grad(), 5, 0.01, 0.3)), 1e-6);
  EXPECT_LT(near(layer->bias, by_hand(bias, layer->bias.grad(), 5, 0.01, 0.0)), 1e-6);
}

// first_steps_test.py compares whole models with the groups of `transformers`.
TEST(AdamWTest, BiasesAndGainsDoNotDecay) {
  const auto scalar = torch::zeros({}), vector = torch::zeros({3}), matrix = torch::zeros({3, 2});
  EXPECT_TRUE(decays("blocks.0.attention.q.weight", matrix));
  EXPECT_TRUE(decays("token_embedding.weight", matrix));
  EXPECT_TRUE(decays("class_token", vector));
  EXPECT_FALSE(decays("logit_scale", scalar));
  EXPECT_FALSE(decays("final_norm.weight", vector));
  EXPECT_FALSE(decays("weight", vector));
  EXPECT_FALSE(decays("blocks.0.attention.q.bias", vector));
  EXPECT_FALSE(decays("logit_bias", scalar));
  EXPECT_FALSE(decays("lstm.bias_ih_l0", vector));
  EXPECT_FALSE(decays("relative_bias.weight", matrix));  // T5's table of places
}

TEST(AdamWTest, DividingGradientsWhileSteppingEqualsDividingThemBefore) {
  auto a = layer_with_gradients(1.0), b = layer_with_gradients(1.0);
  AdamW with_divisor(*a, {}), divided(*b, {});
  for (auto& p : b->parameters()) p.mutable_grad().div_(4.0);
  with_divisor.step(0.01, 4.0);
  divided.step(0.01);
  EXPECT_TRUE(torch::allclose(a->weight, b->weight, 0, 1e-8));
  EXPECT_TRUE(torch::allclose(a->bias, b->bias, 0, 1e-8));
}

TEST(AdamWTest, GradientNormIsTheLengthOfAllGradientsTogether) {
  auto layer = layer_with_gradients(1.0);
  const AdamW adamw(*layer, {});
  double sum = 0.0;
  for (auto& p : layer->parameters()) sum += p.grad().pow(2).sum().item<double>();
  EXPECT_NEAR(adamw.gradient_norm(), std::sqrt(sum), 1e-6);
}

TEST(AdamWTest, ParametersWithoutGradientAreLeftAlone) {
  auto layer = layer_with_gradients(1.0);
  layer->bias.mutable_grad() = torch::Tensor();
  const auto bias = layer->bias.detach().clone();
  AdamW adamw(*layer, {});
  adamw.step(0.1);
  EXPECT_TRUE(layer->bias.equal(bias));
}

TEST(AdamWTest, RestoredStateContinuesToTheLastBit) {
  auto a = layer_with_gradients(1.0), b = layer_with_gradients(1.0);
  AdamW first(*a, {});
  first.step(0.01);
  AdamW second(*b, {});
  second.step(0.01);
  AdamW restored(*b, {});
  std::map<std::string, torch::Tensor> state;
  for (const auto& [name, tensor] : second.state()) state[name] = tensor.clone();
  restored.restore(state);
  first.step(0.02);
  restored.step(0.02);
  EXPECT_TRUE(a->weight.equal(b->weight));
}

TEST(AdamWTest, RefusesAStateThatDoesNotFit) {
  auto layer = layer_with_gradients(1.0);
  AdamW adamw(*layer, {});
  EXPECT_THAT([&] { adamw.restore({}); }, ::testing::ThrowsMessage<std::runtime_error>(
                                              ::testing::HasSubstr("'exp_avg.weight' is missing")));
  auto state = adamw.state();
  state["exp_avg.weight"] = torch::zeros({1});
  EXPECT_THAT([&] { adamw.restore(state); },
              ::testing::ThrowsMessage<std::runtime_error>(::testing::HasSubstr("another shape")));
}

TEST(WeightAverageTest, FollowsTheWeightsAndSwapsBothWays) {
  auto layer = layer_with_gradients(1.0);
  WeightAverage average(*layer, 0.75);
  const auto before = layer->weight.detach().clone();
  {
    const torch::NoGradGuard no_grad;
    layer->weight.add_(1.0);
  }
  average.update();  // 0.75 before + 0.25 (before + 1)
  {
    const AveragedWeights averaged(average);
    EXPECT_TRUE(torch::allclose(layer->weight, before + 0.25));
  }
  EXPECT_TRUE(torch::allclose(layer->weight, before + 1.0));
}

TEST(WeightAverageTest, WithoutDecayItDoesNothing) {
  auto layer = layer_with_gradients(1.0);
  WeightAverage average(*layer, 0.0);
  average.update();
  EXPECT_FALSE(average.enabled());
  EXPECT_TRUE(average.state().empty());
}

TEST(AutocastGuardTest, MatrixProductsAreInSixteenBitsWhileItLives) {
  const auto a = torch::randn({4, 4}), b = torch::randn({4, 4});
  {
    const AutocastGuard guard(Precision::kBf16, torch::kCPU);
    EXPECT_EQ(torch::matmul(a, b).scalar_type(), torch::kBFloat16);
  }
  EXPECT_EQ(torch::matmul(a, b).scalar_type(), torch::kFloat);
  const AutocastGuard none(Precision::kFp32, torch::kCPU);
  EXPECT_EQ(torch::matmul(a, b).scalar_type(), torch::kFloat);
}

TEST(LossScalerTest, ScalesTheLossAndUnscalesTheGradients) {
  LossScaler scaler(true, torch::kCPU);
  EXPECT_EQ(scaler.scale_loss(torch::ones({})).item<float>(), 65536.0F);
  std::vector<torch::Tensor> gradients = {torch::full({3}, 65536.0)};
  EXPECT_TRUE(scaler.unscale(gradients));
  EXPECT_TRUE(gradients[0].equal(torch::ones({3})));
}

TEST(LossScalerTest, AnOverflowSkipsTheUpdateAndHalvesTheScale) {
  LossScaler scaler(true, torch::kCPU);
  std::vector<torch::Tensor> gradients = {torch::tensor({1.0F, INFINITY})};
  EXPECT_FALSE(scaler.unscale(gradients));
  scaler.update();
  EXPECT_EQ(scaler.state()[0].item<float>(), 32768.0F);
  LossScaler restored(true, torch::kCPU);
  restored.restore(scaler.state());
  EXPECT_EQ(restored.scale_loss(torch::ones({})).item<float>(), 32768.0F);
}

TEST(ShardedAdamWTest, ProcessesUpdateTheirSharesToTheSameWeightsAndState) {
  const auto make = [] {
    torch::nn::Sequential model(torch::nn::Linear(40, 30), torch::nn::Linear(30, 20),
                                torch::nn::Linear(20, 7));
    const torch::NoGradGuard no_grad;  // the threads share a generator
    double end = 0.5;
    for (auto& p : model->parameters())
      p.copy_(torch::linspace(-0.5, end += 0.1, p.numel()).view_as(p));
    return model;
  };
  const auto train = [](torch::nn::Sequential& model, AdamW& optimizer) {
    for (int step = 0; step < 3; ++step) {
      for (auto& p : model->parameters()) p.mutable_grad() = (p.detach() * (step + 1)).sin();
      optimizer.step(1e-2, 1.5);
    }
  };
  auto alone = make();
  AdamW whole(*alone, {});
  train(alone, whole);
  const auto wanted = whole.whole_state();
  for (const int64_t size : {2, 3, 8}) {
    std::vector<int64_t> bytes(static_cast<size_t>(size));
    testing::in_processes(size, [&](Processes& process) {
      auto model = make();
      AdamW optimizer(*model, {}, &process);
      train(model, optimizer);
      const auto parameters = model->parameters(), same = alone->parameters();
      for (size_t i = 0; i < same.size(); ++i) EXPECT_TRUE(parameters[i].equal(same[i])) << i;
      const auto state = optimizer.whole_state();
      bytes.at(static_cast<size_t>(process.rank())) = optimizer.state_bytes();
      if (process.rank() > 0) return;
      ASSERT_EQ(state.size(), wanted.size());
      for (const auto& [name, tensor] : wanted) EXPECT_TRUE(state.at(name).equal(tensor)) << name;
      // What one process has saved, any number reads.
      AdamW again(*make(), {}, nullptr);
      again.restore(state);
      EXPECT_TRUE(again.state().at("exp_avg.0.weight").equal(wanted.at("exp_avg.0.weight")));
    });
    // 8 bytes a parameter in all, and some for each tensor's count of steps and place.
    const int64_t parameters = 40 * 30 + 30 + 30 * 20 + 20 + 20 * 7 + 7, largest = 40 * 30;
    const int64_t fair = 8 * std::max(largest, (parameters + size - 1) / size);
    for (const int64_t of_process : bytes) EXPECT_LE(of_process, fair + 8 * largest / 4 + 6 * 12);
  }
}

}  // namespace
}  // namespace zoo
