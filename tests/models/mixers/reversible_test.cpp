// Reversible layers: the same numbers and gradients as the plain stack, and nothing kept in
// between.
#include "models/mixers/reversible.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/functional/dropout.h>

#include <memory>
#include <vector>

namespace zoo {
namespace {

/// Small residual functions with weights of their own.
struct ReversibleStackFixture {
  std::vector<ReversibleLayer> layers;
  std::vector<torch::Tensor> weights;

  explicit ReversibleStackFixture(int64_t depth, double dropout = 0.0) {
    for (int64_t n = 0; n < depth; ++n) {
      const auto weight = [&] {
        auto w = (torch::randn({6, 6}, torch::kDouble) * 0.4).requires_grad_(true);
        weights.push_back(w);
        return w;
      };
      const auto a = weight(), b = weight(), shared = weight();
      const auto drop = [dropout](const torch::Tensor& t) {
        return torch::dropout(t, dropout, dropout > 0);
      };
      layers.push_back(
          {[=](const torch::Tensor& x) { return drop(torch::tanh(x.matmul(a))).matmul(shared); },
           [=](const torch::Tensor& x) { return drop(torch::tanh(x.matmul(b))).matmul(shared); },
           {a, b, shared}});
    }
  }
  std::pair<torch::Tensor, torch::Tensor> plain(torch::Tensor x1, torch::Tensor x2) const {
    for (const auto& layer : layers) {
      x1 = x1 + layer.f(x2);
      x2 = x2 + layer.g(x1);
    }
    return {x1, x2};
  }
};

void expect_same_gradients(const ReversibleStackFixture& stack) {
  const auto x1 = torch::randn({2, 5, 6}, torch::kDouble).requires_grad_(true);
  const auto x2 = torch::randn({2, 5, 6}, torch::kDouble).requires_grad_(true);
  const auto up1 = torch::randn_like(x1), up2 = torch::randn_like(x2);
  auto inputs = stack.weights;
  inputs.push_back(x1);
  inputs.push_back(x2);
  torch::manual_seed(20);
  const auto [w1, w2] = stack.plain(x1, x2);
  const auto wanted = torch::autograd::grad({w1, w2}, inputs, {up1, up2});
  const auto after_plain = torch::rand({3});
  torch::manual_seed(20);
  const auto [y1, y2] = reversible_stack(stack.layers, x1, x2);
  EXPECT_TRUE(torch::allclose(y1, w1, 1e-12, 1e-12));
  EXPECT_TRUE(torch::allclose(y2, w2, 1e-12, 1e-12));
  const auto got = torch::autograd::grad({y1, y2}, inputs, {up1, up2});
  EXPECT_TRUE(torch::equal(torch::rand({3}), after_plain));  // generators go on as without it
  for (size_t n = 0; n < inputs.size(); ++n)
    EXPECT_TRUE(torch::allclose(got[n], wanted[n], 1e-9, 1e-10)) << "input " << n;
}

TEST(ReversibleTest, GradientsAreThoseOfThePlainStack) {
  torch::manual_seed(12);
  for (const int64_t depth : {0, 1, 7}) expect_same_gradients(ReversibleStackFixture(depth));
}

TEST(ReversibleTest, DropoutDropsTheSameAgain) {
  torch::manual_seed(13);
  expect_same_gradients(ReversibleStackFixture(4, 0.4));
}

TEST(ReversibleTest, OneOutputAloneCanBeDifferentiated) {
  torch::manual_seed(14);
  const ReversibleStackFixture stack(3);
  const auto x = torch::randn({1, 2, 6}, torch::kDouble).requires_grad_(true);
  const auto wanted = torch::autograd::grad({stack.plain(x, x).first.sum()}, {x});
  const auto got = torch::autograd::grad({reversible_stack(stack.layers, x, x).first.sum()}, {x});
  EXPECT_TRUE(torch::allclose(got[0], wanted[0], 1e-9, 1e-10));
}

TEST(ReversibleTest, NoActivationOfTheLayersIsKept) {
  torch::manual_seed(15);
  ReversibleStackFixture stack(6);
  std::vector<c10::weak_intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>> inner;
  for (auto& layer : stack.layers) {
    layer.f = [f = layer.f, &inner](const torch::Tensor& x) {
      const auto y = f(x);
      inner.emplace_back(y.getIntrusivePtr());
      return y.clone() * y;  // backward needs y
    };
  }
  const auto alive = [&] {
    int64_t count = 0;
    for (const auto& pointer : inner) count += pointer.expired() ? 0 : 1;
    return count;
  };
  const auto x = torch::randn({1, 2, 6}, torch::kDouble).requires_grad_(true);
  {
    const auto kept = stack.plain(x, x);
    EXPECT_EQ(alive(), 6);
  }
  inner.clear();
  const auto y = reversible_stack(stack.layers, x, x);
  EXPECT_EQ(inner.size(), 6u);
  EXPECT_EQ(alive(), 0);
  (y.first.sum() + y.second.sum()).backward();
  EXPECT_EQ(inner.size(), 12u);  // each was computed again
  EXPECT_EQ(alive(), 0);
}

}  // namespace
}  // namespace zoo
