#include "infer/analysis/logistic_regression.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/functional/loss.h>

namespace zoo {
namespace {

LabelledFeatures three_classes() {
  torch::manual_seed(3);
  const auto x = torch::randn({40, 4}, torch::kDouble);
  return {x, (x.slice(1, 0, 3) + 0.5 * torch::randn({40, 3}, torch::kDouble)).argmax(-1)};
}

/// The objective of fit_logistic() by torch's own operators.
torch::Tensor objective(const LabelledFeatures& d, const torch::Tensor& weights, double decay) {
  return torch::nn::functional::cross_entropy(d.x.matmul(weights.t()), d.y) +
         decay / 2 * weights.square().sum();
}

TEST(LogisticRegressionTest, TheFitIsTheMinimum) {
  const auto examples = three_classes();
  auto weights = fit_logistic(examples, {.classes = 3, .decay = 0.02});
  ASSERT_EQ(weights.sizes(), (std::vector<int64_t>{3, 4}));
  weights.requires_grad_();
  const auto slope = torch::autograd::grad({objective(examples, weights, 0.02)}, {weights})[0];
  EXPECT_LT(slope.abs().max().item<double>(), 1e-7);
  const auto again = fit_logistic(
      examples, {.classes = 3, .decay = 0.02, .start = torch::randn({3, 4}, torch::kDouble)});
  EXPECT_TRUE(again.allclose(weights, 0, 1e-6)) << "from another start";
}

TEST(LogisticRegressionTest, WithABiasAloneItSaysTheSharesOfTheClasses) {
  const LabelledFeatures examples{torch::ones({10, 1}, torch::kDouble),
                                  torch::tensor({0, 0, 0, 0, 0, 0, 0, 1, 1, 2}, torch::kLong)};
  const auto weights = fit_logistic(examples, {.classes = 3, .decay = 1e-7});
  const auto shares = weights.squeeze(1).softmax(0);
  EXPECT_TRUE(shares.allclose(torch::tensor({0.7, 0.2, 0.1}, torch::kDouble), 0, 1e-4)) << shares;
}

TEST(LogisticRegressionTest, AnExampleThatIsNotKeptIsAsIfItWereNotThere) {
  auto examples = three_classes();
  auto keep = torch::ones({40}, torch::kDouble);
  keep[7] = 0;
  const auto without = fit_logistic(examples, {.classes = 3, .keep = keep});
  examples.x[7].fill_(1000);
  EXPECT_TRUE(fit_logistic(examples, {.classes = 3, .keep = keep}).allclose(without, 0, 1e-9));
  EXPECT_FALSE(fit_logistic(three_classes(), {.classes = 3}).allclose(without, 0, 1e-3));
}

TEST(LogisticRegressionTest, GradientsAndHessianAreThoseOfAutograd) {
  const auto examples = three_classes();
  const auto weights = torch::randn({3, 4}, torch::kDouble).requires_grad_();
  const auto own = logistic_gradients(examples, weights.detach());
  const auto one = torch::autograd::grad({logistic_losses(examples, weights)[5]}, {weights})[0];
  EXPECT_TRUE(own[5].allclose(one.flatten()));
  const auto slope = torch::autograd::grad({objective(examples, weights, 0.1)}, {weights}, {},
                                           /*retain_graph=*/true, /*create_graph=*/true)[0]
                         .flatten();
  const auto hessian = logistic_hessian(examples, weights.detach(), 0.1);
  for (int64_t row = 0; row < slope.numel(); ++row) {
    const auto wanted =
        torch::autograd::grad({slope[row]}, {weights}, {}, /*retain_graph=*/true)[0].flatten();
    EXPECT_TRUE(hessian[row].allclose(wanted)) << row;
  }
}

TEST(LogisticRegressionTest, RefusesWhatHasNoMinimum) {
  using ::testing::HasSubstr;
  EXPECT_THAT([] { fit_logistic(three_classes(), {.classes = 3, .decay = 0}); },
              ::testing::ThrowsMessage<std::invalid_argument>(HasSubstr("--decay 0")));
  EXPECT_THAT([] { fit_logistic(three_classes(), {.classes = 2}); },
              ::testing::ThrowsMessage<std::invalid_argument>(HasSubstr("labels must be 0 to 1")));
}

}  // namespace
}  // namespace zoo
