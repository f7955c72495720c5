// Losses that layers add: which backward pass counts them, how often, on which thread.
#include "models/layers/auxiliary_losses.h"

#include <gtest/gtest.h>

#include <optional>
#include <thread>

namespace zoo {
namespace {

/// 3 x, which adds 2 * x^2 to the objective.
torch::Tensor tripled(const torch::Tensor& x) {
  return with_auxiliary_loss(3 * x, "square", 2.0, [&] { return x.square(); });
}
torch::Tensor leaf(double value) {
  return torch::tensor(value, torch::kDouble).requires_grad_(true);
}
double slope(const torch::Tensor& x) { return x.grad().item<double>(); }

TEST(AuxiliaryLossesTest, JoinAnyBackwardPassThroughTheirLayer) {
  AuxiliaryLosses auxiliary;
  const auto a = leaf(5), b = leaf(7);
  const auto of_a = tripled(a), of_b = tripled(b);  // two passes, differentiated in another order
  EXPECT_EQ(of_a.item<double>(), 15.0);
  of_b.backward();
  EXPECT_EQ(slope(b), 3 + 2 * 2 * 7);
  EXPECT_FALSE(a.grad().defined());
  of_a.backward();
  EXPECT_EQ(slope(a), 3 + 2 * 2 * 5);
  EXPECT_EQ(auxiliary.means().at("square"), (25.0 + 49.0) / 2);
}

TEST(AuxiliaryLossesTest, CountAsOftenAsTheirTrainerSays) {
  AuxiliaryLosses auxiliary;
  const auto x = leaf(5), y = leaf(5);
  const auto of_x = tripled(x), of_y = tripled(y);
  auxiliary.count(torch::tensor(10.0));  // after the forward pass, for the backward pass
  of_x.backward();
  EXPECT_EQ(slope(x), 3 + 10 * 20);
  auxiliary.count(torch::tensor(0.5));
  of_y.backward();
  EXPECT_EQ(slope(y), 3 + 0.5 * 20);
}

TEST(AuxiliaryLossesTest, PartsOfABatchCountByTheirShare) {
  AuxiliaryLosses auxiliary;
  const auto x = leaf(5), y = leaf(7);
  {
    const AuxiliaryShare share(0.25);
    tripled(x).backward();
  }
  {
    const AuxiliaryShare share(0.75);
    tripled(y).backward();
  }
  EXPECT_EQ(slope(x), 3 + 0.25 * 20);
  EXPECT_EQ(slope(y), 3 + 0.75 * 28);
  EXPECT_EQ(auxiliary.means().at("square"), 0.25 * 25 + 0.75 * 49);
  const auto z = leaf(1);
  tripled(z).backward();  // whole again
  EXPECT_EQ(slope(z), 3 + 4);
}

TEST(AuxiliaryLossesTest, AreNotComputedWithoutATakerOrWithoutGradients) {
  const auto x = leaf(5);
  const auto never = [&](const torch::Tensor& y) {
    return with_auxiliary_loss(y, "never", 1.0, []() -> torch::Tensor {
      ADD_FAILURE() << "the loss was computed";
      return torch::zeros({});
    });
  };
  EXPECT_EQ(AuxiliaryLosses::current(), nullptr);
  EXPECT_TRUE(never(x).is_same(x));
  const AuxiliaryShare nobody(0.5);
  const AuxiliaryLosses auxiliary;
  const torch::NoGradGuard no_grad;
  EXPECT_TRUE(never(x).is_same(x));
  EXPECT_TRUE(auxiliary.means().empty());
}

TEST(AuxiliaryLossesTest, BelongToTheNewestOfTheirThread) {
  std::optional<AuxiliaryLosses> outer(std::in_place);
  {
    AuxiliaryLosses inner;
    EXPECT_EQ(AuxiliaryLosses::current(), &inner);
    std::thread([] {
      EXPECT_EQ(AuxiliaryLosses::current(), nullptr);
      const auto x = leaf(5);
      tripled(x).backward();
      EXPECT_EQ(slope(x), 3);
    }).join();
  }
  EXPECT_EQ(AuxiliaryLosses::current(), &*outer);
  const auto x = leaf(5);
  const auto y = tripled(x);
  outer.reset();
  EXPECT_EQ(AuxiliaryLosses::current(), nullptr);
  y.backward();  // what was added stays
  EXPECT_EQ(slope(x), 3 + 20);
}

}  // namespace
}  // namespace zoo
