// Norms, feed-forward networks and the block, against their formulas and torch's own layers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/transformerlayer.h>

#include <cmath>
#include <numbers>

#include "models/layers/block.h"
#include "tests/support/gradient_check.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using testing::torch_error_of;

torch::Tensor normal(at::IntArrayRef shape) { return torch::randn(shape, torch::kDouble); }

template <class Module>
Module randomized(Module module) {
  const torch::NoGradGuard no_grad;
  for (auto& p : module->parameters()) p.normal_(0, 0.5);
  module->to(torch::kDouble);
  return module;
}

bool close(const torch::Tensor& a, const torch::Tensor& b) {
  return torch::allclose(a, b, 1e-9, 1e-11);
}

class LayersTest : public ::testing::Test {
 protected:
  void SetUp() override { torch::manual_seed(6); }
};

TEST_F(LayersTest, LayerNormSubtractsTheMeanAndDividesByTheDeviation) {
  const auto x = normal({2, 3, 8}) * 3 + 1;
  const auto centred = x - x.mean(-1, true);
  const auto unit = centred / (centred.square().mean(-1, true) + 0.1).sqrt();
  auto norm = randomized(Norm(8, NormOptions{.epsilon = 0.1}));
  EXPECT_TRUE(close(norm(x), unit * norm->weight + norm->bias));
  auto without_bias = randomized(Norm(8, NormOptions{.epsilon = 0.1, .bias = false}));
  EXPECT_TRUE(close(without_bias(x), unit * without_bias->weight));
  EXPECT_EQ(without_bias->parameters().size(), 1U);
}

TEST_F(LayersTest, RmsNormDividesByTheRootMeanSquare) {
  const auto x = normal({2, 3, 8}) * 3 + 1;
  auto norm = randomized(Norm(8, NormOptions{.kind = NormKind::kRms, .epsilon = 0.1}));
  EXPECT_TRUE(close(norm(x), x / (x.square().mean(-1, true) + 0.1).sqrt() * norm->weight));
  EXPECT_EQ(norm->parameters().size(), 1U);
}

TEST_F(LayersTest, NormsStartAsTheIdentityScale) {
  const Norm norm(8, NormOptions{});
  EXPECT_TRUE(torch::equal(norm->weight, torch::ones({8})));
  EXPECT_TRUE(torch::equal(norm->bias, torch::zeros({8})));
}

TEST_F(LayersTest, FeedForwardFollowsTheFormulaOfItsActivation) {
  const auto x = normal({2, 3, 4});
  const auto gelu = [](const torch::Tensor& h) {
    return h * 0.5 * (1 + torch::erf(h / std::numbers::sqrt2));
  };
  const auto gelu_tanh = [](const torch::Tensor& h) {
    return h * 0.5 * (1 + torch::tanh(std::sqrt(2 / std::numbers::pi) * (h + 0.044715 * h.pow(3))));
  };
  const auto quick_gelu = [](const torch::Tensor& h) { return h / (1 + torch::exp(h * -1.702)); };
  const auto relu = [](const torch::Tensor& h) { return h.clamp_min(0); };
  const auto swiglu = [](const torch::Tensor& h) {
    const auto gate = h.narrow(-1, 0, 6), value = h.narrow(-1, 6, 6);
    return gate / (1 + torch::exp(-gate)) * value;
  };
  const std::vector<std::pair<Activation, std::function<torch::Tensor(torch::Tensor)>>> formulas{
      {Activation::kRelu, relu},
      {Activation::kGelu, gelu},
      {Activation::kGeluTanh, gelu_tanh},
      {Activation::kQuickGelu, quick_gelu},
      {Activation::kSwiglu, swiglu}};
  for (const auto& [activation, formula] : formulas) {
    SCOPED_TRACE(name_of(activation));
    auto layer = randomized(
        FeedForward(FeedForwardOptions{.d_model = 4, .width = 6, .activation = activation}));
    const auto h = torch::matmul(x, layer->in_proj->weight.t()) + layer->in_proj->bias;
    const auto wanted =
        torch::matmul(formula(h), layer->out_proj->weight.t()) + layer->out_proj->bias;
    EXPECT_TRUE(close(layer(x), wanted));
    auto inputs = layer->parameters();
    testing::expect_gradients_match_differences([&] { return (layer(x) * x).sum(); }, inputs, 16);
  }
}

TEST_F(LayersTest, FeedForwardSaysWhatItNeeds) {
  EXPECT_THAT(torch_error_of([] { FeedForward layer(FeedForwardOptions{.d_model = 4}); }),
              HasSubstr("FeedForward: d_model and width must be positive, got 4 and 0"));
  const FeedForward layer(FeedForwardOptions{.d_model = 4, .width = 6, .bias = false});
  EXPECT_EQ(layer->parameters().size(), 2U);
}

BlockOptions block_options(NormPlace place, Activation activation) {
  return {.attention = {.d_model = 12, .heads = 3},
          .feed_forward = {.d_model = 12, .width = 20, .activation = activation},
          .norm_place = place};
}

void copy(torch::nn::MultiheadAttention& to, const MultiHeadAttention& from) {
  to->in_proj_weight.copy_(from->in_proj->weight);
  to->in_proj_bias.copy_(from->in_proj->bias);
  to->out_proj->weight.copy_(from->out_proj->weight);
  to->out_proj->bias.copy_(from->out_proj->bias);
}
template <class To, class From>
void copy_affine(To& to, const From& from) {
  to->weight.copy_(from->weight);
  to->bias.copy_(from->bias);
}

TEST_F(LayersTest, APostNormBlockEqualsTorchsEncoderLayer) {
  for (const Activation activation : {Activation::kRelu, Activation::kGelu}) {
    SCOPED_TRACE(name_of(activation));
    auto block = randomized(Block(block_options(NormPlace::kPost, activation)));
    auto options = torch::nn::TransformerEncoderLayerOptions(12, 3).dim_feedforward(20).dropout(0);
    if (activation == Activation::kGelu) options.activation(torch::kGELU);
    torch::nn::TransformerEncoderLayer twin(options);
    twin->to(torch::kDouble);
    {
      const torch::NoGradGuard no_grad;
      copy(twin->self_attn, block->attention);
      copy_affine(twin->linear1, block->feed_forward->in_proj);
      copy_affine(twin->linear2, block->feed_forward->out_proj);
      copy_affine(twin->norm1, block->attention_norm);
      copy_affine(twin->norm2, block->feed_forward_norm);
    }
    const auto x = normal({2, 5, 12}).requires_grad_(true), y = x.detach().requires_grad_(true);
    const auto upstream = normal({2, 5, 12});
    const auto ours = block(x), theirs = twin(y.transpose(0, 1)).transpose(0, 1);
    EXPECT_TRUE(close(ours, theirs));
    ours.backward(upstream);
    theirs.backward(upstream);
    EXPECT_TRUE(close(x.grad(), y.grad()));
    EXPECT_TRUE(close(block->feed_forward->in_proj->weight.grad(), twin->linear1->weight.grad()));
    EXPECT_TRUE(close(block->attention_norm->weight.grad(), twin->norm1->weight.grad()));
  }
}

TEST_F(LayersTest, APostNormBlockWithCrossAttentionEqualsTorchsDecoderLayer) {
  auto options = block_options(NormPlace::kPost, Activation::kRelu);
  options.cross_attention = options.attention;
  auto block = randomized(Block(options));
  torch::nn::TransformerDecoderLayer twin(
      torch::nn::TransformerDecoderLayerOptions(12, 3).dim_feedforward(20).dropout(0));
  twin->to(torch::kDouble);
  const torch::NoGradGuard no_grad;
  copy(twin->self_attn, block->attention);
  copy(twin->multihead_attn, block->cross_attention);
  copy_affine(twin->linear1, block->feed_forward->in_proj);
  copy_affine(twin->linear2, block->feed_forward->out_proj);
  copy_affine(twin->norm1, block->attention_norm);
  copy_affine(twin->norm2, block->cross_norm);
  copy_affine(twin->norm3, block->feed_forward_norm);
  const auto x = normal({2, 4, 12}), source = normal({2, 6, 12});
  const auto memory = block->cross_attention->project_keys_values(source);
  // torch's C++ layer adds its mask, whatever the type: true would count as 1.
  const auto future = torch::full({4, 4}, -INFINITY, torch::kDouble).triu(1);
  const auto theirs = twin(x.transpose(0, 1), source.transpose(0, 1), future).transpose(0, 1);
  EXPECT_TRUE(close(block(x, SelfAttentionContext{.args = {.causal = true}}, &memory), theirs));
}

TEST_F(LayersTest, APreNormBlockNormsWhatEachSubLayerReads) {
  auto block = randomized(Block(block_options(NormPlace::kPre, Activation::kGelu)));
  const auto x = normal({2, 5, 12});
  const auto h = x + block->attention(block->attention_norm(x));
  EXPECT_TRUE(close(block(x), h + block->feed_forward(block->feed_forward_norm(h))));
}

TEST_F(LayersTest, ABlockWithCrossAttentionNeedsKeysAndValues) {
  auto options = block_options(NormPlace::kPre, Activation::kGelu);
  options.cross_attention = options.attention;
  auto block = randomized(Block(options));
  EXPECT_THAT(torch_error_of([&] {
                block(normal({2, 5, 12}));
              }),
              HasSubstr("Block: cross-attention needs the encoder's keys and values"));
}

TEST_F(LayersTest, ABlockDropsWhatSubLayersAddInTrainingOnly) {
  auto options = block_options(NormPlace::kPre, Activation::kGelu);
  options.residual_dropout = 0.5;
  auto block = randomized(Block(options));
  const auto x = normal({2, 5, 12});
  EXPECT_FALSE(close(block(x), block(x)));
  block->eval();
  EXPECT_TRUE(torch::equal(block(x), block(x)));
  options.residual_dropout = 1.0;  // everything that is added is dropped: the input remains
  auto dropped = randomized(Block(options));
  EXPECT_TRUE(torch::equal(dropped(x), x));
}

}  // namespace
}  // namespace zoo
