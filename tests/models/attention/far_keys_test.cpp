// Near and far keys against plain loops over queries and keys, in float64.
#include "models/attention/far_keys.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "models/positions/alibi.h"
#include "models/positions/bucketed.h"
#include "models/positions/rotary.h"
#include "tests/support/gradient_check.h"

namespace zoo {
namespace {

constexpr int64_t kHeads = 2, kWidth = 6;

/// x [Dh] rotated by Su et al.'s Eq. 34 at a position, halves paired.
torch::Tensor turned(const torch::Tensor& x, int64_t position) {
  auto y = x.clone();
  for (int64_t i = 0; i < kWidth / 2; ++i) {
    const double angle =
        static_cast<double>(position) * std::pow(10000.0, -2.0 * static_cast<double>(i) / kWidth);
    const auto a = x[i], b = x[i + kWidth / 2];
    y[i] = a * std::cos(angle) - b * std::sin(angle);
    y[i + kWidth / 2] = b * std::cos(angle) + a * std::sin(angle);
  }
  return y;
}

/// The score of a head's query at t and key at s; minus infinity where it is not seen.
using Score = std::function<torch::Tensor(const torch::Tensor& q, const torch::Tensor& k, int64_t h,
                                          int64_t t, int64_t s)>;

/// q [1, H, T, Dh], k and v [1, Hkv, S, Dh]; the last query stands at the last key.
torch::Tensor by_hand(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                      const Score& score) {
  const int64_t T = q.size(2), S = k.size(2), group = q.size(1) / k.size(1);
  auto y = torch::zeros_like(q);
  for (int64_t h = 0; h < q.size(1); ++h) {
    for (int64_t t = 0; t < T; ++t) {
      std::vector<torch::Tensor> scores;
      for (int64_t s = 0; s < S; ++s)
        scores.push_back(score(q[0][h][t], k[0][h / group][s], h, S - T + t, s));
      y[0][h][t] = torch::matmul(torch::stack(scores).softmax(0), v[0][h / group]);
    }
  }
  return y;
}

torch::Tensor hidden() {
  return torch::full({}, -std::numeric_limits<double>::infinity(), torch::kDouble);
}

torch::Tensor product(const torch::Tensor& q, const torch::Tensor& k) {
  return torch::dot(q, k) / std::sqrt(static_cast<double>(kWidth));
}

class FarKeysTest : public ::testing::Test {
 protected:
  FarKeysTest() { torch::manual_seed(3); }

  void expect_by_hand(const FarKeys& far, const Position* position, const Score& score) {
    for (const int64_t T : {23, 5, 1}) expect_by_hand(far, position, score, T);
  }
  void expect_by_hand(const FarKeys& far, const Position* position, const Score& score, int64_t T) {
    const torch::NoGradGuard no_grad;
    const int64_t S = 23;
    const auto q = torch::randn({1, kHeads, T, kWidth}, torch::kDouble);
    const auto k = torch::randn({1, 1, S, kWidth}, torch::kDouble);
    const auto v = torch::randn({1, 1, S, kWidth}, torch::kDouble);
    const auto positions = torch::arange(S, torch::kLong).unsqueeze(0);
    const PlacedKeys placed{
        .position = position, .queries = positions.narrow(1, S - T, T), .keys = positions};
    const auto wanted = by_hand(q, k, v, score);
    for (const std::string kernel : {"matmul", "torch", "online"}) {
      const auto y = attend_near_and_far(kernel, q, k, v, {}, far, placed);
      EXPECT_LT((y - wanted).abs().max().item<double>(), 4e-6) << kernel;  // angles are float32
    }
    const auto single = [](const torch::Tensor& t) { return t.to(torch::kFloat); };
    const auto y = attend_near_and_far("flash", single(q), single(k), single(v), {}, far, placed);
    EXPECT_LT((y - wanted).abs().max().item<double>(), 2e-5);
    torch::Tensor weights;
    attend_near_and_far("matmul", q, k, v, {.weights = &weights}, far, placed);
    EXPECT_EQ(weights.sizes(), (std::vector<int64_t>{1, kHeads, T, S}));
    EXPECT_TRUE(torch::allclose(weights.matmul(v), wanted, 1e-5, 1e-5));
  }
};

// Jin et al. 2024, §3: G = group, w = near; distances of far keys are t // G - s // G + w - w // G.
TEST_F(FarKeysTest, SelfExtendDividesThePositionsOfFarKeys) {
  const RotaryPosition rotary(kWidth);
  for (const FarKeys& far : {FarKeys{.near = 7, .group = 3}, FarKeys{.near = 4, .group = 2},
                             FarKeys{.near = 1, .group = 5}, FarKeys{.near = 30, .group = 4}}) {
    const Score score = [&](const auto& q, const auto& k, int64_t, int64_t t, int64_t s) {
      if (s > t) return hidden();
      if (t - s < far.near) return product(turned(q, t), turned(k, s));
      return product(turned(q, t / far.group + far.near - far.near / far.group),
                     turned(k, s / far.group));
    };
    expect_by_hand(far, &rotary, score);
  }
}

// Xiao et al. 2023, §3.2: distances are those inside a cache of the sinks and the window.
TEST_F(FarKeysTest, SinksStayAtTheBeginningOfTheCache) {
  constexpr int64_t kNear = 5, kSinks = 3;
  const auto distance = [](int64_t t, int64_t s) -> int64_t {
    if (s > t || (t - s >= kNear && s >= kSinks)) return -1;
    if (t - s < kNear) return t - s;
    return std::min(t, kSinks + kNear - 1) - s;
  };
  const FarKeys far{.near = kNear, .sinks = kSinks};
  const RotaryPosition rotary(kWidth);
  expect_by_hand(far, &rotary, [&](const auto& q, const auto& k, int64_t, int64_t t, int64_t s) {
    const int64_t d = distance(t, s);
    return d < 0 ? hidden() : product(turned(q, d), k);
  });
  const AlibiPosition alibi(kHeads);
  const BucketedPosition bucketed(kHeads, {.buckets = 6, .max_distance = 7});
  const Position none;
  for (const Position* position :
       {static_cast<const Position*>(&alibi), static_cast<const Position*>(&bucketed), &none}) {
    const auto table = position->relative_bias(1, 30, torch::kCPU);
    expect_by_hand(far, position,
                   [&](const auto& q, const auto& k, int64_t h, int64_t t, int64_t s) {
                     const int64_t d = distance(t, s);
                     if (d < 0) return hidden();
                     return table.defined() ? product(q, k) + table[h][29 - d] : product(q, k);
                   });
  }
}

TEST_F(FarKeysTest, GradientsEqualFiniteDifferences) {
  const RotaryPosition rotary(kWidth);
  const auto positions = torch::arange(9, torch::kLong).unsqueeze(0);
  const PlacedKeys placed{.position = &rotary, .queries = positions, .keys = positions};
  const auto make = [](int64_t heads) {
    return torch::randn({1, heads, 9, kWidth}, torch::kDouble).requires_grad_();
  };
  const auto q = make(kHeads), k = make(1), v = make(1);
  for (const FarKeys& far : {FarKeys{.near = 3, .sinks = 2}, FarKeys{.near = 3, .group = 2}}) {
    const auto loss = [&] {
      return attend_near_and_far("torch", q, k, v, {}, far, placed).square().sum();
    };
    loss().backward();
    for (const torch::Tensor& input : {q, k, v}) {
      const torch::NoGradGuard no_grad;
      const auto flat = input.flatten();
      for (const int64_t at : {int64_t{0}, int64_t{17}, input.numel() - 1}) {
        const double before = flat[at].item<double>(), step = 1e-5;
        flat[at] = before + step;
        const double above = loss().item<double>();
        flat[at] = before - step;
        const double below = loss().item<double>();
        flat[at] = before;
        EXPECT_NEAR((above - below) / (2 * step), input.grad().flatten()[at].item<double>(), 1e-6);
      }
      input.grad().zero_();
    }
  }
}

}  // namespace
}  // namespace zoo
