#include "infer/analysis/influence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/functional/loss.h>

#include "tests/infer/tiny_models.h"

namespace zoo {
namespace {

FittedHead fit(const LabelledFeatures& examples, double decay) {
  return {fit_logistic(examples, {.classes = 2, .decay = decay}), decay};
}

TEST(InfluenceTest, PredictsWhatLeavingAnExampleOutDoes) {
  torch::manual_seed(2);
  const auto draw = [](int64_t count) {
    const auto x = torch::randn({count, 6}, torch::kDouble);
    const auto noise = torch::randn({count}, torch::kDouble);
    return LabelledFeatures{with_bias(x), (x.select(1, 0) + noise).gt(0).to(torch::kLong)};
  };
  const auto training = draw(200), test = draw(10);
  const FittedHead head = fit(training, 0.02);
  const auto predicted = influence(head, training, test),
             found = leave_one_out(head, training, test);
  ASSERT_EQ(predicted.sizes(), (std::vector<int64_t>{10, 200}));
  const auto correlation = [&](const torch::Tensor& a) {
    return torch::corrcoef(torch::stack({a.flatten(), found.flatten()}))[0][1].item<double>();
  };
  EXPECT_GT(correlation(predicted), 0.99);
  const auto slope = (predicted * found).sum().item<double>() / found.square().sum().item<double>();
  EXPECT_NEAR(slope, 1, 0.1) << "in nats, not only in order";
  const auto products = logistic_gradients(training, head.weights)
                            .matmul(logistic_gradients(test, head.weights).t())
                            .t();
  EXPECT_LT(correlation(products), correlation(predicted)) << "the Hessian is of use";
  EXPECT_LT(influence(head, training, test, /*damping=*/10).abs().max().item<double>(),
            predicted.abs().max().item<double>() / 10);
}

TEST(InfluenceTest, FindsTheExampleWhoseRemovalFlipsTheAnswer) {
  // Of a bias and one feature; example 3 alone has the feature, and the label 1.
  const LabelledFeatures training{
      torch::tensor({{0.0, 1.0}, {0.0, 1.0}, {0.0, 1.0}, {4.0, 1.0}, {0.0, 1.0}}, torch::kDouble),
      torch::tensor({0, 0, 0, 1, 0}, torch::kLong)};
  const LabelledFeatures test{torch::tensor({{4.0, 1.0}}, torch::kDouble),
                              torch::tensor({1}, torch::kLong)};
  const FittedHead head = fit(training, 0.01);
  EXPECT_EQ(logistic_classes(test.x, head.weights).item<int64_t>(), 1);
  const auto without = fit_logistic(
      training, {.decay = 0.01, .keep = torch::tensor({1, 1, 1, 0, 1}, torch::kDouble)});
  EXPECT_EQ(logistic_classes(test.x, without).item<int64_t>(), 0);
  const auto predicted = influence(head, training, test)[0];
  EXPECT_EQ(predicted.argmax().item<int64_t>(), 3);
  EXPECT_GT(predicted[3].item<double>(), 0);
  EXPECT_LT(predicted[0].item<double>(), 0) << "the others speak for the label 0";
}

TEST(InfluenceTest, RefusesAHessianThatDoesNotFit) {
  const LabelledFeatures examples{torch::zeros({2, 3000}, torch::kDouble),
                                  torch::tensor({0, 1}, torch::kLong)};
  const FittedHead head{torch::zeros({2, 3000}, torch::kDouble), 0.01};
  EXPECT_THAT([&] { influence(head, examples, examples); },
              ::testing::ThrowsMessage<std::invalid_argument>(
                  ::testing::HasSubstr("6000 weights, and the exact Hessian takes 4096")));
}

TEST(GradientProductsTest, SayWhatASmallStepOnAnExampleDoes) {
  auto model = testing::tiny_gpt(testing::tiny_options());
  model->to(torch::kDouble);
  const auto loss_of = [&](std::vector<int64_t> ids) {
    const auto tokens = torch::tensor(ids, torch::kLong).unsqueeze(0);
    return [&model, tokens] {
      return torch::nn::functional::cross_entropy(model->forward(tokens.slice(1, 0, -1))[0],
                                                  tokens[0].slice(0, 1));
    };
  };
  const auto test = loss_of({1, 5, 2, 8, 3}), other = loss_of({4, 4, 9});
  const auto weights = model->parameters();
  const auto products = gradient_products(weights, test, {test, other});
  EXPECT_NEAR(products.cosine[0].item<double>(), 1, 1e-9) << "the example is the input itself";
  EXPECT_FALSE(weights[0].grad().defined());
  constexpr double kRate = 1e-6;
  const double before = test().item<double>();
  const auto gradients = torch::autograd::grad({other()}, weights, {}, {}, false, true);
  {
    const torch::NoGradGuard no_grad;
    for (size_t n = 0; n < weights.size(); ++n)
      if (gradients[n].defined()) weights[n].sub_(gradients[n], kRate);
  }
  const double lowered = (before - test().item<double>()) / kRate;
  EXPECT_NEAR(products.product[1].item<double>(), lowered, 1e-3 * std::abs(lowered));
}

}  // namespace
}  // namespace zoo
