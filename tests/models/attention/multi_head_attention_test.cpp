// Multi-head attention against torch's own layer, and the laws of its options.
#include "models/attention/multi_head_attention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/activation.h>

#include <cmath>
#include <vector>

#include "models/positions/rotary.h"
#include "tests/support/gradient_check.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using testing::torch_error_of;

class MultiHeadAttentionTest : public ::testing::Test {
 protected:
  void SetUp() override { torch::manual_seed(5); }
  static MultiHeadAttention make(MultiHeadAttentionOptions options) {
    MultiHeadAttention layer(options);
    const torch::NoGradGuard no_grad;
    for (auto& p : layer->parameters()) p.normal_(0, 0.4);
    layer->to(torch::kDouble);
    return layer;
  }
  static torch::nn::MultiheadAttention torch_twin(MultiHeadAttention& layer) {
    const auto& o = layer->options;
    torch::nn::MultiheadAttention twin(
        torch::nn::MultiheadAttentionOptions(o.d_model, o.heads).bias(o.bias));
    twin->to(torch::kDouble);
    const torch::NoGradGuard no_grad;
    twin->in_proj_weight.copy_(layer->in_proj->weight);
    twin->in_proj_bias.copy_(layer->in_proj->bias);
    twin->out_proj->weight.copy_(layer->out_proj->weight);
    twin->out_proj->bias.copy_(layer->out_proj->bias);
    return twin;
  }
  /// torch's layer wants [T, B, C], as its padding mask true for what is left out, and as attn_mask
  /// numbers to add: its C++ version would add a bool mask as zeros and ones.
  static torch::Tensor run(torch::nn::MultiheadAttention& twin, const torch::Tensor& x,
                           const torch::Tensor& memory, const torch::Tensor& is_padding = {},
                           const torch::Tensor& attn_mask = {}) {
    const auto m = memory.transpose(0, 1);
    return std::get<0>(twin(x.transpose(0, 1), m, m, is_padding, false, attn_mask)).transpose(0, 1);
  }
  static torch::Tensor normal(at::IntArrayRef shape) { return torch::randn(shape, torch::kDouble); }
};

TEST_F(MultiHeadAttentionTest, EqualsTorchsLayer) {
  auto layer = make({.d_model = 12, .heads = 3});
  auto twin = torch_twin(layer);
  const auto x = normal({2, 5, 12}), upstream = normal({2, 5, 12});
  const auto ours = layer(x), theirs = run(twin, x, x);
  EXPECT_TRUE(torch::allclose(ours, theirs, 1e-10, 1e-12));
  ours.backward(upstream);
  theirs.backward(upstream);
  EXPECT_TRUE(torch::allclose(layer->in_proj->weight.grad(), twin->in_proj_weight.grad(), 1e-9));
  EXPECT_TRUE(torch::allclose(layer->in_proj->bias.grad(), twin->in_proj_bias.grad(), 1e-9, 1e-12));
  EXPECT_TRUE(torch::allclose(layer->out_proj->weight.grad(), twin->out_proj->weight.grad(), 1e-9));
}

TEST_F(MultiHeadAttentionTest, EqualsTorchsLayerWithMasks) {
  auto layer = make({.d_model = 12, .heads = 3});
  auto twin = torch_twin(layer);
  const auto x = normal({2, 5, 12});
  const auto lengths = torch::tensor({5, 3}, torch::kLong);
  const auto is_padding = torch::arange(5).unsqueeze(0).ge(lengths.unsqueeze(1));
  const auto future = torch::full({5, 5}, -INFINITY, torch::kDouble).triu(1);
  const auto ours = layer->forward(x, {.args = {.causal = true, .key_lengths = lengths}});
  EXPECT_TRUE(torch::allclose(ours, run(twin, x, x, is_padding, future), 1e-10, 1e-12));
}

TEST_F(MultiHeadAttentionTest, CrossAttentionEqualsTorchsLayer) {
  auto layer = make({.d_model = 12, .heads = 3});
  auto twin = torch_twin(layer);
  const auto x = normal({2, 4, 12}), memory = normal({2, 7, 12});
  const auto lengths = torch::tensor({2, 7}, torch::kLong);
  const auto is_padding = torch::arange(7).unsqueeze(0).ge(lengths.unsqueeze(1));
  const auto ours = layer->cross(x, layer->project_keys_values(memory, lengths));
  EXPECT_TRUE(torch::allclose(ours, run(twin, x, memory, is_padding), 1e-10, 1e-12));
}

TEST_F(MultiHeadAttentionTest, CrossAttentionToItsOwnInputIsSelfAttention) {
  for (const bool bias : {true, false}) {
    auto layer = make({.d_model = 12, .heads = 6, .kv_heads = 2, .bias = bias});
    const auto x = normal({2, 5, 12});
    const auto cross = layer->cross(x, layer->project_keys_values(x), {.causal = true});
    EXPECT_TRUE(
        torch::allclose(cross, layer->forward(x, {.args = {.causal = true}}), 1e-10, 1e-12));
  }
}

TEST_F(MultiHeadAttentionTest, SharedKeyValueHeadsAreRepeatedHeads) {
  auto grouped = make({.d_model = 12, .heads = 6, .kv_heads = 2});
  auto full = make({.d_model = 12, .heads = 6});
  const auto repeat = [](const torch::Tensor& rows) {  // [12 + 4 + 4, ...] -> [12 + 12 + 12, ...]
    const auto parts = rows.split_with_sizes({12, 4, 4});
    const auto heads = [](const torch::Tensor& t) {
      return t.unflatten(0, {2, 2}).repeat_interleave(3, 0).flatten(0, 1);
    };
    return torch::cat({parts[0], heads(parts[1]), heads(parts[2])});
  };
  {
    const torch::NoGradGuard no_grad;
    full->in_proj->weight.copy_(repeat(grouped->in_proj->weight));
    full->in_proj->bias.copy_(repeat(grouped->in_proj->bias));
    full->out_proj->weight.copy_(grouped->out_proj->weight);
    full->out_proj->bias.copy_(grouped->out_proj->bias);
  }
  const auto x = normal({2, 5, 12});
  EXPECT_TRUE(torch::allclose(grouped(x), full(x), 1e-10, 1e-12));
}

TEST_F(MultiHeadAttentionTest, ACacheChangesNothing) {
  auto layer = make({.d_model = 12, .heads = 6, .kv_heads = 2, .head_width = 4});
  RotaryPosition rotary(4);
  const torch::NoGradGuard no_grad;
  const auto x = normal({2, 7, 12});
  const auto places = torch::arange(7).unsqueeze(0);
  const AttendArgs causal{.causal = true};
  const auto wanted = layer->forward(x, {.args = causal, .position = &rotary, .positions = places});
  for (const std::vector<int64_t>& chunks :
       {std::vector<int64_t>{7}, {1, 1, 1, 1, 1, 1, 1}, {3, 1, 3}}) {
    KvCache cache(2, 7, {{.kv_heads = 2, .head_width = 4}}, torch::kDouble);
    std::vector<torch::Tensor> parts;
    for (const int64_t n : chunks) {
      const int64_t start = cache.longest();
      const KvPass pass = cache.begin(n);
      parts.push_back(
          layer->forward(x.narrow(1, start, n), {.args = causal,
                                                 .position = &rotary,
                                                 .positions = places.narrow(1, start, n),
                                                 .cache = KvLayer(cache, pass, 0)}));
      cache.commit(pass);
    }
    EXPECT_TRUE(torch::allclose(torch::cat(parts, 1), wanted, 1e-10, 1e-12));
  }
}

TEST_F(MultiHeadAttentionTest, RowsOfDifferentLengthShareACache) {
  auto layer = make({.d_model = 12, .heads = 3});
  const torch::NoGradGuard no_grad;
  const auto x = normal({2, 6, 12}), more = normal({2, 2, 12});
  const AttendArgs causal{.causal = true};
  KvCache cache(2, 8, {{.kv_heads = 3, .head_width = 4}}, torch::kDouble);
  const auto counts = torch::tensor({6, 2}, torch::kLong);
  const KvPass ragged = cache.begin(6, counts);
  const auto first = layer->forward(x, {.args = causal, .cache = KvLayer(cache, ragged, 0)});
  cache.commit(ragged);
  const KvPass equal = cache.begin(2);
  const auto second = layer->forward(more, {.args = causal, .cache = KvLayer(cache, equal, 0)});
  for (int64_t b = 0; b < 2; ++b) {
    const int64_t n = counts[b].item<int64_t>();
    const auto alone = torch::cat({x[b].narrow(0, 0, n), more[b]}).unsqueeze(0);
    const auto wanted = layer->forward(alone, {.args = causal})[0];
    EXPECT_TRUE(torch::allclose(first[b].narrow(0, 0, n), wanted.narrow(0, 0, n), 1e-10, 1e-12));
    EXPECT_TRUE(torch::allclose(second[b], wanted.narrow(0, n, 2), 1e-10, 1e-12));
  }
}

TEST_F(MultiHeadAttentionTest, DropsWeightsInTrainingOnly) {
  auto layer = make({.d_model = 12, .heads = 3, .dropout = 0.5});
  const auto x = normal({2, 5, 12});
  EXPECT_FALSE(torch::allclose(layer(x), layer(x)));
  layer->eval();
  EXPECT_TRUE(torch::equal(layer(x), layer(x)));
}

TEST_F(MultiHeadAttentionTest, HandsOutItsWeights) {
  auto layer = make({.d_model = 12, .heads = 3, .kernel = "matmul"});
  torch::Tensor weights;
  layer->forward(normal({2, 5, 12}), {.args = {.causal = true, .weights = &weights}});
  ASSERT_EQ(weights.sizes(), (std::vector<int64_t>{2, 3, 5, 5}));
  EXPECT_TRUE(torch::allclose(weights.sum(-1), torch::ones({2, 3, 5}, torch::kDouble)));
  EXPECT_TRUE(weights.triu(1).eq(0).all().item<bool>());
}

TEST_F(MultiHeadAttentionTest, ScaleIsAnOption) {
  auto layer = make({.d_model = 12, .heads = 3, .scale = 0.0});
  const auto x = normal({1, 5, 12});
  const auto y = layer(x);  // all keys count alike: every place gets the mean
  EXPECT_TRUE(torch::allclose(y, y.narrow(1, 0, 1).expand_as(y), 1e-10, 1e-12));
}

TEST_F(MultiHeadAttentionTest, GradientsMatchFiniteDifferences) {
  auto layer = make({.d_model = 8, .heads = 4, .kv_heads = 2, .head_width = 6, .out_bias = false});
  RotaryPosition rotary(6);
  const auto x = normal({2, 3, 8}).requires_grad_(true), upstream = normal({2, 3, 8});
  auto inputs = layer->parameters();
  inputs.push_back(x);
  const auto loss = [&] {
    return (layer->forward(x, {.args = {.causal = true},
                               .position = &rotary,
                               .positions = torch::arange(3).unsqueeze(0)}) *
            upstream)
        .sum();
  };
  testing::expect_gradients_match_differences(loss, inputs, 20);
}

TEST_F(MultiHeadAttentionTest, RefusesOptionsThatDoNotFit) {
  const auto refused = [](const MultiHeadAttentionOptions& options) {
    return torch_error_of([&] { MultiHeadAttention layer(options); });
  };
  EXPECT_THAT(refused({.d_model = 0, .heads = 3}),
              HasSubstr("MultiHeadAttention: d_model and heads must be positive, got 0 and 3"));
  EXPECT_THAT(refused({.d_model = 10, .heads = 4}),
              HasSubstr("MultiHeadAttention: d_model must be a multiple of heads, got d_model 10 "
                        "and heads 4; try d_model 12 or name a head width"));
  EXPECT_THAT(refused({.d_model = 12, .heads = 6, .kv_heads = 4}),
              HasSubstr("MultiHeadAttention: kv_heads must divide heads, got 4 and 6"));
  EXPECT_THAT(refused({.d_model = 12, .heads = 3, .dropout = 1.0}),
              HasSubstr("MultiHeadAttention: dropout must be in [0, 1), got 1"));
  EXPECT_THAT(refused({.d_model = 12, .heads = 3, .kernel = "quick"}),
              HasSubstr("attention: unknown kernel 'quick'"));
}

}  // namespace
}  // namespace zoo
