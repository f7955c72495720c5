// Activation functions with kernels of their own, against their formulas in float64 and against
// torch's operators.
#include "models/layers/activate.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/torch.h>

#include <bit>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "models/attention/kernels/flash_tiles.h"
#include "models/layers/activation_kernels.h"

namespace zoo {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr Activation kAll[] = {Activation::kRelu,      Activation::kGelu, Activation::kGeluTanh,
                               Activation::kQuickGelu, Activation::kSilu, Activation::kSwiglu};

std::vector<Activation> with_kernels() {
  std::vector<Activation> found;
  for (const Activation f : kAll)
    if (has_activation_kernel(f)) found.push_back(f);
  return found;
}

/// By torch's operators: they take every type that the kernels do not.
torch::Tensor exact(const torch::Tensor& x, Activation f) {
  return activate(x.to(torch::kDouble), f);
}

torch::Tensor slope(const torch::Tensor& x, Activation f) {
  const auto at = x.detach().clone().requires_grad_(true);
  return torch::autograd::grad({activate(at, f).sum()}, {at})[0];
}

template <class F>
void for_each_instruction_set(F f) {
  const std::string best = flash::instruction_set();
  for (const std::string& set : flash::instruction_sets()) {
    SCOPED_TRACE(set);
    flash::use_instruction_set(set);
    f();
  }
  flash::use_instruction_set(best);
}

class ActivateTest : public ::testing::TestWithParam<Activation> {};

TEST_P(ActivateTest, FollowsTheFormulaOverAllNumbersThatMatter) {
  const auto x = torch::cat({torch::linspace(-20, 20, 200'001), torch::logspace(-30, 4, 1001),
                             -torch::logspace(-30, 4, 1001)});
  const auto y = activate(x, GetParam()), wanted = exact(x, GetParam());
  // Relative to the larger of the value and the argument: a rounding or two.
  const auto unit =
      torch::maximum(wanted.abs(), 1e-2 * x.to(torch::kDouble).abs()).clamp_min(1e-30);
  EXPECT_LT(((y - wanted).abs() / unit).max().item<double>(), 2e-6);
  EXPECT_LT((y - wanted).abs().index({x.abs() < 8}).max().item<double>(), 1e-6);
  EXPECT_LT(
      (slope(x, GetParam()) - slope(x.to(torch::kDouble), GetParam())).abs().max().item<double>(),
      2e-6);
}

TEST_P(ActivateTest, KeepsWhatIsFarBelowZeroToItsLastDigits) {
  const auto x = torch::linspace(-8, -3, 1001);
  const auto far = x.to(torch::kDouble);
  // 1 + erf and 1 + tanh have no digits left here: the same functions without a difference.
  torch::Tensor wanted = exact(x, GetParam());
  if (GetParam() == Activation::kGelu) wanted = far * 0.5 * torch::erfc(-far / std::sqrt(2.0));
  if (GetParam() == Activation::kGeluTanh) {
    const auto u = std::sqrt(2.0 / std::numbers::pi) * (far + 0.044715 * far.pow(3));
    wanted = far * torch::sigmoid(2 * u);
  }
  const auto error = ((activate(x, GetParam()) - wanted) / wanted).abs().max().item<double>();
  // The exponential's argument is rounded: for the tanh form it reaches 40.
  EXPECT_LT(error, 1e-5);
}

TEST_P(ActivateTest, TakesInfinitiesAndNaN) {
  const auto payload = std::bit_cast<float>(0x7fc00001U);
  const auto x =
      torch::tensor({-kInfinity, kInfinity, std::nanf(""), payload, 0.0F, -0.0F, -1e30F, 1e30F});
  for_each_instruction_set([&] {
    const auto y = activate(x, GetParam()), slopes = slope(x, GetParam());
    const auto expect = [&](int64_t i, float value, float rise) {
      SCOPED_TRACE(x[i].item<float>());
      EXPECT_EQ(y[i].item<float>(), value);
      EXPECT_NEAR(slopes[i].item<float>(), rise, 1e-7);
    };
    expect(0, 0.0F, 0.0F);
    expect(1, kInfinity, 1.0F);
    for (const int64_t i : {2, 3}) {
      EXPECT_TRUE(std::isnan(y[i].item<float>()));
      EXPECT_TRUE(std::isnan(slopes[i].item<float>()));
    }
    expect(4, 0.0F, 0.5F);
    expect(5, 0.0F, 0.5F);
    expect(6, 0.0F, 0.0F);
    expect(7, 1e30F, 1.0F);
  });
}

TEST_P(ActivateTest, TakesEveryLengthAndLayout) {
  torch::manual_seed(1);
  for (const int64_t count : {0, 1, 3, 7, 8, 9, 15, 16, 17, 33, 16383, 16384, 16385, 40'001}) {
    const auto x = torch::randn({count}) * 3;
    ASSERT_TRUE(torch::allclose(activate(x, GetParam()), exact(x, GetParam()).to(torch::kFloat),
                                1e-5, 1e-6))
        << count;
  }
  const auto strided = torch::randn({5, 6, 7}).transpose(0, 2);  // [7, 6, 5]
  const auto y = activate(strided, GetParam());
  EXPECT_EQ(y.sizes(), strided.sizes());
  EXPECT_TRUE(torch::equal(y, activate(strided.contiguous(), GetParam())));
  EXPECT_TRUE(torch::equal(slope(strided, GetParam()), slope(strided.contiguous(), GetParam())));
}

TEST_P(ActivateTest, MultipliesByWhatComesFromAbove) {
  torch::manual_seed(2);
  const auto x = torch::randn({6, 7, 5}), dy = torch::randn({5, 7, 6}).transpose(0, 2);
  const auto gradient = [&](torch::Dtype dtype) {
    const auto at = x.to(dtype).requires_grad_(true);
    return torch::autograd::grad({activate(at, GetParam())}, {at}, {dy.to(dtype)})[0];
  };
  EXPECT_TRUE(torch::allclose(gradient(torch::kFloat).to(torch::kDouble), gradient(torch::kDouble),
                              1e-5, 1e-6));
}

TEST_P(ActivateTest, GivesSecondDerivativesToo) {
  const auto second = [&](torch::Dtype dtype) {
    const auto x = torch::linspace(-4, 4, 33, dtype).requires_grad_(true);
    const auto first = torch::autograd::grad({activate(x, GetParam()).sum()}, {x}, {}, true, true);
    return torch::autograd::grad({first[0].sum()}, {x})[0];
  };
  EXPECT_TRUE(torch::allclose(second(torch::kFloat).to(torch::kDouble), second(torch::kDouble),
                              1e-4, 1e-5));
}

TEST_P(ActivateTest, NoticesThatItsArgumentWasChanged) {
  auto x = torch::ones({4}).requires_grad_(true);
  auto h = x * 2;
  const auto y = activate(h, GetParam());
  h.mul_(3);
  EXPECT_THROW(y.sum().backward(), c10::Error);
}

TEST_P(ActivateTest, GivesTheSameNumbersOnAnyNumberOfThreads) {
  const auto x = torch::randn({100'003});
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const auto one = activate(x, GetParam());
  at::set_num_threads(3);
  const auto three = activate(x, GetParam());
  at::set_num_threads(before);
  EXPECT_TRUE(torch::equal(one, three));
}

TEST_P(ActivateTest, AgreesOnEveryInstructionSet) {
  const auto x = torch::linspace(-12, 12, 4099);
  const auto wanted = exact(x, GetParam());
  for_each_instruction_set(
      [&] { EXPECT_LT((activate(x, GetParam()) - wanted).abs().max().item<double>(), 2e-6); });
}

INSTANTIATE_TEST_SUITE_P(Kernels, ActivateTest, ::testing::ValuesIn(with_kernels()),
                         [](const auto& test) {
                           std::string name(name_of(test.param));
                           std::erase(name, '-');
                           return name;
                         });

TEST(ActivateTypes, OtherTypesGoToTorch) {
  const auto x = torch::linspace(-4, 4, 65);
  EXPECT_TRUE(torch::equal(activate(x.to(torch::kBFloat16), Activation::kGelu),
                           torch::gelu(x.to(torch::kBFloat16))));
  EXPECT_TRUE(torch::equal(activate(x.to(torch::kDouble), Activation::kSilu),
                           torch::silu(x.to(torch::kDouble))));
  EXPECT_TRUE(torch::equal(activate(x, Activation::kRelu), torch::relu(x)));
  EXPECT_EQ(activate(torch::ones({2, 6}), Activation::kSwiglu).sizes(),
            (std::vector<int64_t>{2, 3}));
}

}  // namespace
}  // namespace zoo
