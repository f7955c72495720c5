// DropHead and the penalty on heads that agree: their laws, values by hand, and a layer with them.
#include "models/attention/head_regularisation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "models/attention/multi_head_attention.h"
#include "models/layers/auxiliary_losses.h"
#include "tests/support/gradient_check.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using testing::torch_error_of;

MultiHeadAttention attention_of(const MultiHeadAttentionOptions& options) {
  torch::manual_seed(5);
  MultiHeadAttention layer(options);
  layer->to(torch::kDouble);
  return layer;
}
torch::Tensor numbers(at::IntArrayRef shape) {
  torch::manual_seed(6);
  return torch::randn(shape, torch::kDouble);
}

TEST(HeadGateTest, KeptHeadsMakeUpForDroppedOnesAndTheMeanIsOne) {
  for (const double dropped : {0.2, 0.5, 0.9}) {
    torch::manual_seed(5);
    constexpr int64_t kExamples = 60000, kHeads = 4;
    const auto gate = draw_head_gate(kExamples, kHeads, dropped, torch::kCPU);  // [B, H]
    EXPECT_TRUE(torch::allclose(gate.sum(1), torch::full({kExamples}, 4.0F)));
    const auto kept = gate.gt(0).to(torch::kFloat);  // those that stay are worth the same
    EXPECT_TRUE(torch::allclose(gate, kept * (4.0 / kept.sum(1, /*keepdim=*/true)), 1e-6, 1e-6));
    for (int64_t h = 0; h < kHeads; ++h) {
      const auto of_head = gate.select(1, h);
      const double deviation = of_head.std().item<double>() / std::sqrt(double{kExamples});
      EXPECT_NEAR(of_head.mean().item<double>(), 1.0, 5 * deviation) << dropped;
    }
    // All heads go with probability p^H, and then one stays.
    const double wanted = (1 - dropped) * kHeads + std::pow(dropped, kHeads);
    EXPECT_NEAR(kept.sum(1).to(torch::kDouble).mean().item<double>(), wanted, 0.02) << dropped;
  }
  EXPECT_TRUE(torch::equal(draw_head_gate(3, 2, 0.0, torch::kCPU), torch::ones({3, 2})));
}

TEST(HeadGateTest, ADroppedHeadIsZeroInItsExampleAndGetsNoGradientThere) {
  auto layer = attention_of({.d_model = 12, .heads = 3, .head_dropout = 0.5});
  const int64_t B = 8, T = 5, H = 3, Dh = 4;
  const auto x = numbers({B, T, 12});
  torch::manual_seed(7);
  const auto gate = draw_head_gate(B, H, 0.5, torch::kCPU);
  ASSERT_GT(gate.eq(0).sum().item<int64_t>(), 0);
  // Each head alone: an output projection that reads no other.
  for (int64_t h = 0; h < H; ++h) {
    {
      const torch::NoGradGuard no_grad;
      layer->out_proj->weight.zero_().narrow(1, h * Dh, Dh).fill_(1.0);
      layer->out_proj->bias.zero_();
    }
    layer->eval();
    const auto whole = layer(x).detach();  // [B, T, C]
    layer->train();
    auto input = x.clone().requires_grad_(true);
    torch::manual_seed(7);
    const auto y = layer(input);
    EXPECT_TRUE(
        torch::allclose(y, whole * gate.select(1, h).view({B, 1, 1}).to(torch::kDouble), 1e-6));
    y.square().sum().backward();
    const auto reached = input.grad().flatten(1).abs().sum(1).gt(0);  // [B]
    EXPECT_TRUE(torch::equal(reached, gate.select(1, h).gt(0))) << h;
  }
}

TEST(HeadGateTest, ActsInTrainingOnlyAndWithEveryKernelAndGateAlike) {
  const auto x = numbers({4, 5, 12}).to(torch::kFloat);
  const auto memory = numbers({4, 7, 12}).to(torch::kFloat);
  AttendArgs gated{.head_gate = torch::tensor({1.0F, 0.5F, 2.0F})};
  const auto results = [&](double dropped, const std::string& kernel, bool training) {
    auto layer =
        attention_of({.d_model = 12, .heads = 3, .head_dropout = dropped, .kernel = kernel});
    layer->to(torch::kFloat);
    layer->train(training);
    torch::manual_seed(7);
    std::vector<torch::Tensor> results = {layer(x), layer->forward(x, {.args = gated})};
    results.push_back(layer->cross(x, layer->project_keys_values(memory), gated));
    results.push_back(torch::rand({3}));  // how far the stream of random numbers went
    return results;
  };
  const auto near = [](const torch::Tensor& a, const torch::Tensor& b) {
    return torch::allclose(a, b, 1e-4, 1e-5);
  };
  const auto plain = results(0.0, "torch", true), dropped = results(0.5, "torch", true);
  for (size_t n = 0; n < plain.size(); ++n) {
    EXPECT_FALSE(near(dropped[n], plain[n])) << n;
    EXPECT_TRUE(torch::equal(results(0.5, "torch", false)[n], plain[n])) << n;
    for (const char* kernel : {"matmul", "flash", "online", "auto"})
      EXPECT_TRUE(near(results(0.5, kernel, true)[n], dropped[n])) << kernel << n;
  }
}

TEST(HeadSimilarityTest, OfTwoHeadsByHand) {
  // One position: (3, 4) and (4, 3), cosine 24/25; another: (1, 0) and (0, 2), cosine 0.
  const auto y = torch::tensor({{{{3.0, 4.0}, {1.0, 0.0}}, {{4.0, 3.0}, {0.0, 2.0}}}},
                               torch::kDouble);  // [B, H, T, Dh] = [1, 2, 2, 2]
  const double first = (2 + 2 * 24.0 / 25.0) / 4, second = 2.0 / 4;
  EXPECT_NEAR(head_similarity(y).item<double>(), (first + second) / 2, 1e-9);
  // The second position is padding.
  EXPECT_NEAR(head_similarity(y, torch::tensor({1}, torch::kLong)).item<double>(), first, 1e-9);
}

TEST(HeadSimilarityTest, IsTheMeanOfAllCosinesGreatestForIdenticalHeads) {
  const auto y = numbers({3, 4, 5, 6});
  double sum = 0.0;
  for (int64_t i = 0; i < 4; ++i) {
    for (int64_t j = 0; j < 4; ++j)
      sum += torch::cosine_similarity(y.select(1, i), y.select(1, j), -1).mean().item<double>();
  }
  EXPECT_NEAR(head_similarity(y).item<double>(), sum / 16, 1e-9);
  const auto same = y.narrow(1, 0, 1).expand({3, 4, 5, 6});
  EXPECT_NEAR(head_similarity(same).item<double>(), 1.0, 1e-9);
  EXPECT_LT(head_similarity(y).item<double>(), 1.0);
  // A half-precision pass is measured in single precision.
  EXPECT_EQ(head_similarity(y.to(torch::kBFloat16)).scalar_type(), torch::kFloat);
}

TEST(HeadSimilarityTest, PaddingAndHeadsOfZerosDoNoHarm) {
  auto y = numbers({2, 3, 4, 5});
  const auto lengths = torch::tensor({4, 2}, torch::kLong);
  const double before = head_similarity(y, lengths).item<double>();
  y[1].narrow(1, 2, 2).fill_(NAN);
  EXPECT_EQ(head_similarity(y, lengths).item<double>(), before);
  auto input = y.clone().requires_grad_(true);
  head_similarity(input, lengths).backward();
  EXPECT_TRUE(input.grad().isfinite().all().item<bool>());
  auto zeros = torch::zeros({1, 2, 1, 3}, torch::kDouble).requires_grad_(true);
  head_similarity(zeros).backward();
  EXPECT_TRUE(zeros.grad().isfinite().all().item<bool>());
  EXPECT_EQ(head_similarity(torch::zeros({0, 2, 0, 3})).item<double>(), 0.0);
}

TEST(HeadDiversityTest, TheGradientOfALayerIsThatOfItsLossAndTheWeightedPenalty) {
  // Heads before the output projection: that of a twin whose projection is the identity.
  auto layer = attention_of({.d_model = 6, .heads = 2, .head_diversity = 0.7});
  auto twin = attention_of({.d_model = 6, .heads = 2});
  {
    const torch::NoGradGuard no_grad;
    twin->out_proj->weight.copy_(torch::eye(6));
    twin->out_proj->bias.zero_();
  }
  auto x = numbers({2, 3, 6}).requires_grad_(true);
  const auto lengths = torch::tensor({3, 2}, torch::kLong);
  const SelfAttentionContext padded{.args = {.key_lengths = lengths}};
  const auto penalty = [&] {
    const auto heads = twin->forward(x, padded).unflatten(-1, {2, 3}).transpose(1, 2);
    return head_similarity(heads, lengths);  // of [B, H, T, Dh]
  };
  const auto objective = [&] { return layer->forward(x, padded).pow(3).sum() + 0.7 * penalty(); };
  testing::expect_gradients_match_differences(objective, {x});
  const auto wanted = torch::autograd::grad({objective()}, {x})[0];
  AuxiliaryLosses auxiliary;
  layer->forward(x, padded).pow(3).sum().backward();
  EXPECT_TRUE(torch::allclose(x.grad(), wanted, 1e-9, 1e-12));
  EXPECT_NEAR(auxiliary.means().at("head_similarity"), penalty().item<double>(), 1e-12);
}

TEST(HeadDiversityTest, ChangesNoOutputAndCountsInTrainingOnly) {
  const auto x = numbers({2, 3, 6});
  auto layer = attention_of({.d_model = 6, .heads = 2, .head_diversity = 0.7});
  const auto plain = attention_of({.d_model = 6, .heads = 2})->forward(x);
  AuxiliaryLosses auxiliary;
  layer->eval();
  EXPECT_TRUE(torch::equal(layer(x), plain));
  EXPECT_TRUE(auxiliary.means().empty());
  layer->train();
  EXPECT_TRUE(torch::equal(layer(x), plain));
  const double of_self = auxiliary.means().at("head_similarity");
  EXPECT_GT(of_self, 0.0);
  layer->cross(x, layer->project_keys_values(numbers({2, 4, 6})));
  EXPECT_NE(auxiliary.means().at("head_similarity"), of_self);  // the mean of two
}

TEST(HeadRegularisationTest, RefusesValuesOutsideTheirRange) {
  const auto with = [](double dropout, double diversity) {
    return torch_error_of([&] {
      MultiHeadAttention layer(MultiHeadAttentionOptions{
          .d_model = 6, .heads = 2, .head_dropout = dropout, .head_diversity = diversity});
    });
  };
  EXPECT_THAT(with(1.0, 0), HasSubstr("MultiHeadAttention: head_dropout must be in [0, 1), got 1"));
  EXPECT_THAT(with(NAN, 0), HasSubstr("head_dropout must be in [0, 1), got nan"));
  EXPECT_THAT(with(0, -1), HasSubstr("head_diversity must be 0 or more, got -1"));
  EXPECT_THAT(with(0, INFINITY), HasSubstr("head_diversity must be 0 or more, got inf"));
}

}  // namespace
}  // namespace zoo
