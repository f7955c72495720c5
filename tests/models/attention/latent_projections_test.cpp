// Latent attention: its two forms are one, and are what the paper's equations say.
#include "models/attention/latent_projections.h"

#include <gtest/gtest.h>

#include <cmath>

#include "models/attention/attend.h"
#include "models/attention/multi_head_attention.h"
#include "models/positions/rotary.h"

namespace zoo {
namespace {

torch::Tensor normal(at::IntArrayRef shape) { return torch::randn(shape, torch::kDouble); }

MultiHeadAttention latent_layer(const LatentOptions& latent) {
  torch::manual_seed(5);
  MultiHeadAttention layer(
      MultiHeadAttentionOptions{.d_model = 12, .heads = 3, .head_width = 5, .latent = latent});
  const torch::NoGradGuard no_grad;
  for (auto& p : layer->parameters()) p.normal_(0, 0.4);
  layer->to(torch::kDouble);
  return layer;
}

TEST(LatentProjectionsTest, BothFormsGiveTheSame) {
  const torch::NoGradGuard no_grad;
  for (const LatentOptions& o :
       {LatentOptions{.width = 4}, LatentOptions{.width = 9, .rotary_width = 6},
        LatentOptions{.width = 7, .query_width = 5, .rotary_width = 2}}) {
    auto layer = latent_layer(o);
    const auto [q, latent] = layer->latent->project(normal({2, 6, 12}));
    ASSERT_EQ(latent.sizes(), (std::vector<int64_t>{2, 1, 6, o.rotary_width + o.width}));
    std::vector<torch::Tensor> ys;
    for (const bool absorbed : {false, true}) {
      const auto heads = layer->latent->heads_of(q, latent, absorbed);
      const auto y = attend("matmul", heads.q, heads.k, heads.v, {.causal = true, .scale = 0.4});
      ys.push_back(layer->latent->values_of(y, absorbed));
    }
    EXPECT_EQ(ys[0].sizes(), (std::vector<int64_t>{2, 3, 6, 5}));
    EXPECT_TRUE(torch::allclose(ys[0], ys[1], 1e-10, 1e-12));
  }
}

// Eq. 9 to 19, one head and one pair of tokens at a time.
TEST(LatentProjectionsTest, IsThePapersAttention) {
  const torch::NoGradGuard no_grad;
  constexpr int64_t kDr = 2, kDh = 5, kR = 7;
  auto layer = latent_layer({.width = kR, .query_width = 4, .rotary_width = kDr});
  auto& p = *layer->latent;
  const auto x = normal({1, 4, 12});
  const auto angles = torch::arange(4, torch::kDouble).view({1, 4, 1}) * 0.7;
  const auto rotation = rotation_by(angles, torch::kCPU);
  const auto turned = [&](const torch::Tensor& t, int64_t position) {  // [Dr]
    const double angle = 0.7 * static_cast<double>(position);
    const auto a = t[0].item<double>(), b = t[1].item<double>();
    return torch::tensor(
        {a * std::cos(angle) - b * std::sin(angle), a * std::sin(angle) + b * std::cos(angle)},
        torch::kDouble);
  };
  const auto down = p.key_down(x)[0];                          // [T, Dr + r]
  const auto c = p.key_norm(down.narrow(1, kDr, kR));          // [T, r]
  const auto d = p.query_norm(p.query_down(x))[0];             // [T, rq]
  const auto queries = p.query_up(d).view({4, 3, kDr + kDh});  // [T, H, Dr + Dh]
  const auto up = p.key_up->weight.view({3, 2 * kDh, kR});
  auto wanted = torch::zeros({1, 4, 15}, torch::kDouble);
  for (int64_t h = 0; h < 3; ++h) {
    const auto keys = torch::matmul(c, up[h].narrow(0, 0, kDh).t());      // [T, Dh]
    const auto values = torch::matmul(c, up[h].narrow(0, kDh, kDh).t());  // [T, Dh]
    for (int64_t t = 0; t < 4; ++t) {
      auto scores = torch::empty({t + 1}, torch::kDouble);
      for (int64_t s = 0; s <= t; ++s) {
        const auto rotated =
            (turned(queries[t][h].narrow(0, 0, kDr), t) * turned(down[s].narrow(0, 0, kDr), s))
                .sum();
        const auto plain = (queries[t][h].narrow(0, kDr, kDh) * keys[s]).sum();
        scores[s] = (rotated + plain) / std::sqrt(static_cast<double>(kDr + kDh));
      }
      wanted[0][t]
          .narrow(0, h * kDh, kDh)
          .copy_(torch::matmul(scores.softmax(0), values.narrow(0, 0, t + 1)));
    }
  }
  layer->options.scale = 1.0 / std::sqrt(static_cast<double>(kDr + kDh));
  SelfAttentionContext context{.args = {.causal = true}, .placed = true};
  context.rotation = rotation;
  const auto got = layer->forward(x, context);
  EXPECT_TRUE(torch::allclose(got, layer->out_proj(wanted), 1e-9, 1e-10));
}

TEST(LatentProjectionsTest, TheCacheHoldsOneVectorAToken) {
  auto layer = latent_layer({.width = 7, .rotary_width = 2});
  const auto shape = layer->cached();
  EXPECT_EQ(shape.kv_heads, 1);
  EXPECT_EQ(shape.head_width, 9);
  EXPECT_TRUE(shape.one_buffer);
}

TEST(LatentProjectionsTest, ManyQueriesAreExpandedAndFewAbsorbed) {
  const LatentOptions deepseek{.width = 512, .query_width = 1536, .rotary_width = 64};
  EXPECT_FALSE(prefers_absorbed(deepseek, 128, 4096, 4096));
  EXPECT_TRUE(prefers_absorbed(deepseek, 128, 1, 4096));
}

}  // namespace
}  // namespace zoo
