// Transformer-XL's relative attention against its formula, term by term, and the laws around it.
#include "models/positions/transformer_xl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "models/attention/multi_head_attention.h"
#include "models/layers/pruned_heads.h"
#include "models/positions/position_options.h"
#include "tests/support/gradient_check.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using testing::torch_error_of;

torch::Tensor normal(at::IntArrayRef shape) { return torch::randn(shape, torch::kDouble); }

/// R_d: sines of d / 10000^(2i / C), then cosines.
std::vector<double> sinusoid(int64_t distance, int64_t C) {
  std::vector<double> sines, cosines;
  for (int64_t i = 0; i < C; i += 2) {
    const double angle = static_cast<double>(distance) *
                         std::pow(10000.0, -static_cast<double>(i) / static_cast<double>(C));
    sines.push_back(std::sin(angle));
    cosines.push_back(std::cos(angle));
  }
  sines.insert(sines.end(), cosines.begin(), cosines.end());
  sines.resize(static_cast<size_t>(C));
  return sines;
}

/// A layer and its scheme, in float64, with weights large enough for every term to matter.
struct Attention {
  MultiHeadAttention layer{nullptr};
  std::shared_ptr<TransformerXlPosition> position;

  Attention(int64_t heads, int64_t kv_heads, const std::string& kernel = "torch",
            std::optional<int64_t> window = {}) {
    torch::manual_seed(3);
    layer = MultiHeadAttention(MultiHeadAttentionOptions{.d_model = 10,
                                                         .heads = heads,
                                                         .kv_heads = kv_heads,
                                                         .head_width = 3,
                                                         .distance_keys = true,
                                                         .window = window,
                                                         .kernel = kernel});
    position = std::make_shared<TransformerXlPosition>(heads, 3, 10);
    const torch::NoGradGuard no_grad;
    for (auto& p : layer->parameters()) p.normal_(0, 0.6);
    for (auto& p : position->parameters()) p.normal_(0, 0.6);
    layer->to(torch::kDouble);
    position->to(torch::kDouble);
  }
  SelfAttentionContext context(const AttendArgs& args) const {
    return {.args = args, .position = position.get()};
  }
  torch::Tensor run(const torch::Tensor& x, const AttendArgs& args) {
    return layer->forward(x, context(args));
  }
  std::vector<torch::Tensor> parameters() const {
    auto all = layer->parameters();
    for (const auto& p : position->parameters()) all.push_back(p);
    return all;
  }
};

/// Dai et al. 2019, §3.3, by sums: (q + u) k + (q + v) W R_{i - j} of each pair.
torch::Tensor by_sums(const Attention& a, const torch::Tensor& x, const AttendArgs& args) {
  const auto& o = a.layer->options;
  const int64_t B = x.size(0), T = x.size(1), H = o.heads, Hkv = o.kv_heads, Dh = 3, C = 10;
  const auto parts = torch::linear(x, a.layer->in_proj->weight, a.layer->in_proj->bias)
                         .split_with_sizes({H * Dh, Hkv * Dh, Hkv * Dh}, -1);
  const auto W = a.layer->distance_proj->weight.view({Hkv, Dh, C});
  auto merged = torch::zeros({B, T, H * Dh}, torch::kDouble);
  for (int64_t b = 0; b < B; ++b) {
    const int64_t length = args.key_lengths.defined() ? args.key_lengths[b].item<int64_t>() : T;
    for (int64_t h = 0; h < H; ++h) {
      const int64_t group = h * Hkv / H;
      const auto part = [&](const torch::Tensor& t, int64_t i, int64_t head) {
        return t[b][i].narrow(0, head * Dh, Dh);
      };
      for (int64_t i = 0; i < T; ++i) {
        const auto q = part(parts[0], i, h);
        double sum = 0.0;
        auto y = torch::zeros({Dh}, torch::kDouble);
        for (int64_t j = 0; j < length; ++j) {
          if (args.causal && j > i) continue;
          if (o.window && std::abs(i - j) >= *o.window) continue;
          const auto R = torch::tensor(sinusoid(i - j, C), torch::kDouble);
          const auto score = (q + a.position->content_bias[h]).dot(part(parts[1], j, group)) +
                             (q + a.position->distance_bias[h]).dot(W[group].mv(R));
          const double weight = std::exp(score.item<double>() / std::sqrt(3.0));
          sum += weight;
          y = y + part(parts[2], j, group) * weight;
        }
        merged[b][i].narrow(0, h * Dh, Dh).copy_(y / sum);
      }
    }
  }
  return torch::linear(merged, a.layer->out_proj->weight, a.layer->out_proj->bias);
}

TEST(TransformerXlTest, IsTheSumOfThePapersFourTerms) {
  const torch::NoGradGuard no_grad;
  const auto lengths = torch::tensor({6, 2}, torch::kLong);
  for (const int64_t kv_heads : {4, 2, 1}) {
    for (const bool causal : {true, false}) {
      for (const std::optional<int64_t> window : {std::optional<int64_t>(), {3}}) {
        Attention a(4, kv_heads, "matmul", window);
        const auto x = normal({2, 6, 10});
        for (const AttendArgs& args :
             {AttendArgs{.causal = causal}, AttendArgs{.causal = causal, .key_lengths = lengths}}) {
          const auto wanted = by_sums(a, x, args), given = a.run(x, args);
          const bool padded = args.key_lengths.defined();  // a padded query may see nothing
          EXPECT_TRUE(given[0].allclose(wanted[0], 1e-6, 1e-7)) << kv_heads << causal << padded;
          EXPECT_TRUE(given[1].narrow(0, 0, 2).allclose(wanted[1].narrow(0, 0, 2), 1e-6, 1e-7));
        }
      }
    }
  }
}

TEST(TransformerXlTest, GradientsReachEverythingThroughEveryKernelThatTrainsABias) {
  for (const char* kernel : {"torch", "matmul"}) {
    for (const bool causal : {true, false}) {
      Attention a(4, 2, kernel);
      const auto x = normal({2, 5, 10}).requires_grad_(true);
      const auto upstream = normal({2, 5, 10});
      auto inputs = a.parameters();
      inputs.push_back(x);
      testing::expect_gradients_match_differences(
          [&] { return (a.run(x, {.causal = causal}) * upstream).sum(); }, inputs, 16);
      const auto v = a.position->distance_bias;
      const auto gradient =
          torch::autograd::grad({(a.run(x, {.causal = causal}) * upstream).sum()}, {v})[0];
      EXPECT_GT(gradient.abs().min().item<double>(), 1e-6);
    }
  }
}

TEST(TransformerXlTest, KernelsAgreeOrSayThatTheyDoNotTrainABias) {
  Attention a(4, 2, "matmul");
  a.layer->to(torch::kFloat);
  a.position->to(torch::kFloat);
  const auto x = torch::randn({2, 7, 10});
  const auto wanted = a.run(x, {.causal = true}).detach();
  int64_t refused = 0;
  for (const auto& kernel : attention_kernel_names()) {
    if (kernel.starts_with("cuda")) continue;
    a.layer->options.kernel = kernel;
    {
      const torch::NoGradGuard no_grad;
      EXPECT_TRUE(a.run(x, {.causal = true}).allclose(wanted, 1e-4, 1e-5)) << kernel;
    }
    try {
      a.run(x, {.causal = true}).sum().backward();
    } catch (const c10::Error& error) {
      ++refused;
      EXPECT_THAT(error.what_without_backtrace(), HasSubstr("; use kernel 'matmul'")) << kernel;
    }
  }
  EXPECT_GT(refused, 0);
}

TEST(TransformerXlTest, TheShiftGivesEachKeyItsDistance) {
  for (const auto& [T, S] : {std::pair<int64_t, int64_t>{1, 1}, {1, 5}, {2, 2}, {4, 4}, {3, 7}}) {
    for (const int64_t ahead : {int64_t{1}, std::max<int64_t>(1, T - 1)}) {
      // The score of a distance is the distance itself.
      const auto row = torch::arange(1 - S, ahead + 1, torch::kDouble);
      const auto scores = (row + torch::arange(T).unsqueeze(1) * 1000).expand({2, 3, T, -1});
      const auto shifted = by_key(scores, S);
      const auto starts = torch::tensor({S - T, int64_t{0}}, torch::kLong);
      const auto by_row = by_key(scores, S, starts);
      for (int64_t t = 0; t < T; ++t) {
        for (int64_t s = 0; s < S; ++s) {
          const int64_t distance = s - (S - T + t);
          if (distance <= ahead) {
            EXPECT_EQ(shifted[1][2][t][s].item<double>(), static_cast<double>(distance + 1000 * t));
            EXPECT_EQ(by_row[0][2][t][s].item<double>(), static_cast<double>(distance + 1000 * t));
          }
          if (s - t <= ahead) {
            EXPECT_EQ(by_row[1][0][t][s].item<double>(), static_cast<double>(s - t + 1000 * t));
          }
        }
      }
    }
  }
}

TEST(TransformerXlTest, ProjectingQueriesIsProjectingDistances) {
  const auto matrix = normal({2 * 3, 10}), vectors = normal({40, 10});
  for (const int64_t T : {1, 60}) {  // of which the second projects the distances
    const auto q = normal({2, 4, T, 3});
    const auto keys = torch::linear(vectors, matrix).view({40, 2, 3}).repeat_interleave(2, 1);
    const auto wanted = torch::einsum("bhtd,nhd->bhtn", {q, keys});
    EXPECT_TRUE(distance_scores(q, matrix, vectors).allclose(wanted, 1e-10, 1e-10)) << T;
  }
}

TEST(TransformerXlTest, NegativeDistancesAreSinusoidsToo) {
  const TransformerXlPosition position(2, 3, 7);
  const auto distances = position.distance_vectors(3, 2, torch::kCPU);  // key - query -2 .. 2
  ASSERT_EQ(distances.vectors.sizes(), (std::vector<int64_t>{5, 7}));
  for (int64_t n = 0; n < 5; ++n) {
    EXPECT_TRUE(distances.vectors[n]
                    .to(torch::kDouble)
                    .allclose(torch::tensor(sinusoid(2 - n, 7), torch::kDouble), 1e-6, 1e-7));
  }
  EXPECT_EQ(position.named_parameters().keys(),
            (std::vector<std::string>{"content_bias", "distance_bias"}));
}

TEST(TransformerXlTest, ALayerWithoutHeadsIsTheLayerWithTheirOutputsAtZero) {
  const torch::NoGradGuard no_grad;
  for (const auto& [kv_heads, removed] :
       {std::pair<int64_t, std::vector<int64_t>>{4, {0, 2}}, {2, {0, 1}}, {2, {1, 2}}}) {
    Attention a(4, kv_heads);
    for (const int64_t head : removed) a.layer->out_proj->weight.narrow(1, head * 3, 3).zero_();
    const auto x = normal({2, 5, 10});
    const auto wanted = a.run(x, {.causal = true});
    remove_heads(*a.layer, removed);
    EXPECT_EQ(a.layer->distance_proj->weight.size(0), 3 * a.layer->options.kv_heads);
    EXPECT_TRUE(a.run(x, {.causal = true}).allclose(wanted, 1e-9, 1e-9));
  }
}

TEST(TransformerXlTest, ALayerAndItsSchemeBelongTogether) {
  Attention a(4, 4);
  EXPECT_THAT(torch_error_of([&] {
                a.layer->forward(normal({1, 3, 10}));
              }),
              HasSubstr("distance_keys need the position scheme transformer-xl"));
  EXPECT_THAT(torch_error_of([] { TransformerXlPosition(4, 0, 10); }),
              HasSubstr("must be positive, got 4, 0 and 10"));
  EXPECT_EQ(a.run(normal({2, 0, 10}), {.causal = true}).numel(), 0);
}

}  // namespace
}  // namespace zoo
