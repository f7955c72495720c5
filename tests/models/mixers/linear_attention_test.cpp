// The forms of linear attention: against the sum that defines it, against each other, and where
// decays are extreme.
#include "models/mixers/linear_attention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "tests/support/flop_counter.h"
#include "tests/support/gradient_check.h"

namespace zoo {
namespace {

using testing::FlopCounter;
using ::testing::HasSubstr;
using testing::torch_error_of;

struct LinearCase {
  torch::Tensor q, k, v, log_decay;
};

/// decay: "none", "head" (one constant a head), "token", "channel".
LinearCase linear_case(const std::string& decay, int64_t T, int64_t groups = 4) {
  const int64_t B = 2, H = 4, Dk = 3, Dv = 5;
  const auto normal = [](at::IntArrayRef shape) { return torch::randn(shape, torch::kDouble); };
  LinearCase c{normal({B, groups, T, Dk}), normal({B, groups, T, Dk}), normal({B, H, T, Dv}), {}};
  if (decay == "head") c.log_decay = -torch::rand({1, H, 1, 1}, torch::kDouble);
  if (decay == "token") c.log_decay = -torch::rand({B, H, T, 1}, torch::kDouble);
  if (decay == "channel") c.log_decay = -torch::rand({B, H, T, Dk}, torch::kDouble);
  return c;
}

/// sum_{s <= t} (q_t * product of decays after s) . k_s v_s, number by number.
torch::Tensor by_definition(const LinearCase& c) {
  const int64_t B = c.v.size(0), H = c.v.size(1), T = c.v.size(2), Dk = c.q.size(3),
                Dv = c.v.size(3), per_group = H / c.q.size(1);
  auto y = torch::zeros({B, H, T, Dv}, torch::kDouble);
  const auto decay = c.log_decay.defined() ? c.log_decay.expand({B, H, T, Dk}).contiguous()
                                           : torch::zeros({B, H, T, Dk}, torch::kDouble);
  const auto q = c.q.accessor<double, 4>(), k = c.k.accessor<double, 4>(),
             v = c.v.accessor<double, 4>(), g = decay.accessor<double, 4>();
  auto out = y.accessor<double, 4>();
  for (int64_t b = 0; b < B; ++b)
    for (int64_t h = 0; h < H; ++h)
      for (int64_t t = 0; t < T; ++t)
        for (int64_t s = 0; s <= t; ++s) {
          double weight = 0;
          for (int64_t d = 0; d < Dk; ++d) {
            double left = 1;
            for (int64_t r = s + 1; r <= t; ++r) left *= std::exp(g[b][h][r][d]);
            weight += q[b][h / per_group][t][d] * left * k[b][h / per_group][s][d];
          }
          for (int64_t e = 0; e < Dv; ++e) out[b][h][t][e] += weight * v[b][h][s][e];
        }
  return y;
}

class LinearAttentionTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override { torch::manual_seed(11); }
};

TEST_P(LinearAttentionTest, AllFormsAreTheSumThatDefinesThem) {
  for (const int64_t T : {1, 2, 17, 37}) {
    for (const int64_t groups : {4, 2, 1}) {
      const LinearCase c = linear_case(GetParam(), T, groups);
      const auto wanted = by_definition(c);
      const auto recurrent = linear_attention_recurrent(c.q, c.k, c.v, c.log_decay);
      EXPECT_TRUE(torch::allclose(linear_attention_parallel(c.q, c.k, c.v, c.log_decay), wanted,
                                  1e-10, 1e-10));
      EXPECT_TRUE(torch::allclose(recurrent.y, wanted, 1e-10, 1e-10));
      for (const int64_t chunk : {1, 5, 16, 20, 64}) {
        const auto chunked = linear_attention_chunked(c.q, c.k, c.v, c.log_decay, {}, chunk);
        EXPECT_TRUE(torch::allclose(chunked.y, wanted, 1e-10, 1e-10)) << T << ", chunk " << chunk;
        EXPECT_TRUE(torch::allclose(chunked.state, recurrent.state, 1e-10, 1e-10));
      }
    }
  }
}

TEST_P(LinearAttentionTest, AStateContinuesTheText) {
  const LinearCase c = linear_case(GetParam(), 23);
  const auto whole = linear_attention_recurrent(c.q, c.k, c.v, c.log_decay);
  const auto part = [&](const torch::Tensor& t, int64_t start, int64_t length) {
    return t.defined() && t.size(2) > 1 ? t.narrow(2, start, length) : t;
  };
  torch::Tensor state;
  std::vector<torch::Tensor> ys;
  for (const auto& [start, length] :
       {std::pair<int64_t, int64_t>{0, 9}, {9, 1}, {10, 0}, {10, 13}}) {
    const auto result = linear_attention_chunked(part(c.q, start, length), part(c.k, start, length),
                                                 part(c.v, start, length),
                                                 part(c.log_decay, start, length), state, 4);
    state = result.state;
    ys.push_back(result.y);
  }
  EXPECT_TRUE(torch::allclose(torch::cat(ys, 2), whole.y, 1e-10, 1e-10));
  EXPECT_TRUE(torch::allclose(state, whole.state, 1e-10, 1e-10));
}

TEST_P(LinearAttentionTest, LongTextsAreComputedInParts) {
  const LinearCase c = linear_case(GetParam(), 1100);  // more than is computed at once
  const auto recurrent = linear_attention_recurrent(c.q, c.k, c.v, c.log_decay);
  const auto chunked = linear_attention_chunked(c.q, c.k, c.v, c.log_decay, {}, 64);
  EXPECT_TRUE(torch::allclose(chunked.y, recurrent.y, 1e-9, 1e-9));
  EXPECT_TRUE(torch::allclose(chunked.state, recurrent.state, 1e-9, 1e-9));
}

TEST_P(LinearAttentionTest, GradientsOfTheChunkedFormAreThoseOfDifferences) {
  LinearCase c = linear_case(GetParam(), 19, 2);
  auto state = torch::randn({2, 4, 3, 5}, torch::kDouble);
  const auto upstream = torch::randn_like(c.v), of_state = torch::randn_like(state);
  std::vector<torch::Tensor> inputs{c.q, c.k, c.v, state};
  if (c.log_decay.defined()) inputs.push_back(c.log_decay);
  for (auto& input : inputs) input.requires_grad_(true);
  testing::expect_gradients_match_differences(
      [&] {
        const auto r = linear_attention_chunked(c.q, c.k, c.v, c.log_decay, state, 6);
        return (r.y * upstream).sum() + (r.state * of_state).sum();
      },
      inputs, 24);
}

TEST_P(LinearAttentionTest, StrongDecaysStayFinite) {
  LinearCase c = linear_case(GetParam(), 50);
  if (c.log_decay.defined()) c.log_decay = c.log_decay * 400;
  for (auto* t : {&c.q, &c.k, &c.v}) *t = t->to(torch::kFloat).requires_grad_(true);
  const auto decay =
      c.log_decay.defined() ? c.log_decay.to(torch::kFloat).requires_grad_(true) : torch::Tensor();
  const auto wanted = linear_attention_recurrent(c.q, c.k, c.v, decay).y;
  const auto y = linear_attention_chunked(c.q, c.k, c.v, decay, {}, 20).y;
  EXPECT_TRUE(torch::allclose(y, wanted, 1e-4, 1e-4));
  y.sum().backward();
  for (const auto& t : {c.q, c.k, c.v}) EXPECT_TRUE(t.grad().isfinite().all().item<bool>());
  if (decay.defined()) {
    EXPECT_TRUE(decay.grad().isfinite().all().item<bool>());
  }
}

TEST_P(LinearAttentionTest, CountsItsOperations) {
  const bool by_channel = std::string(GetParam()) == "channel";
  for (const int64_t T : {1, 37, 100, 1001}) {
    const LinearCase c = linear_case(GetParam(), T, by_channel ? 4 : 2);
    const torch::NoGradGuard no_grad;
    const FlopCounter counter;
    linear_attention_chunked(c.q, c.k, c.v, c.log_decay, {}, 40);
    EXPECT_EQ(counter.flops(),
              2 * linear_attention_operations(T, by_channel ? 4 : 2, 4, 3, 5, 40, by_channel));
  }
}

INSTANTIATE_TEST_SUITE_P(Decays, LinearAttentionTest,
                         ::testing::Values("none", "head", "token", "channel"),
                         [](const auto& info) { return std::string(info.param); });

TEST(LinearAttentionFullTest, EveryTokenSeesAll) {
  torch::manual_seed(3);
  const LinearCase c = linear_case("none", 9);
  const auto wanted = torch::matmul(torch::matmul(c.q, c.k.transpose(-2, -1)), c.v);
  EXPECT_TRUE(torch::allclose(linear_attention_full(c.q, c.k, c.v), wanted, 1e-10, 1e-10));
}

TEST(LinearAttentionErrorsTest, NameTheShapes) {
  const auto t = [](at::IntArrayRef shape) { return torch::zeros(shape); };
  EXPECT_THAT(
      torch_error_of([&] {
        linear_attention_chunked(t({1, 3, 4, 2}), t({1, 3, 4, 2}), t({1, 4, 4, 2}), {}, {}, 8);
      }),
      HasSubstr("heads of q and k must divide those of v, got 3 and 4"));
  EXPECT_THAT(torch_error_of([&] {
                linear_attention_parallel(t({1, 3, 4, 2}), t({1, 3, 5, 2}), t({1, 3, 4, 2}), {});
              }),
              HasSubstr("[1, 3, 4, 2], [1, 3, 5, 2]"));
  EXPECT_THAT(
      torch_error_of([&] {
        linear_attention_chunked(t({1, 3, 4, 2}), t({1, 3, 4, 2}), t({1, 3, 4, 2}), {}, {}, 0);
      }),
      HasSubstr("chunk must be 1 or more, got 0"));
}

}  // namespace
}  // namespace zoo
