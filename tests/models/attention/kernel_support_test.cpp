// What a kernel does not support it refuses by a sentence that names a kernel that does; everything
// else it accepts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/models/attention/attention_reference.h"
#include "tests/models/attention/kernel_support.h"

namespace zoo {
namespace {

using ::testing::AllOf;
using testing::AttendCase;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::random_case;

class KernelSupportTest : public ::testing::TestWithParam<std::string> {
 protected:
  static std::string refusal(const AttendCase& c) {
    return attention_kernel(GetParam()).refuses(c.q, c.k, c.v, c.args);
  }
  static void expect(bool supported, const AttendCase& c, const char* reason) {
    if (supported) {
      EXPECT_THAT(refusal(c), IsEmpty());
    } else {
      EXPECT_THAT(refusal(c), AllOf(HasSubstr(reason), HasSubstr("use kernel 'matmul'")));
    }
  }
  const testing::KernelSupport support_ = testing::support_of(GetParam());
};

TEST_P(KernelSupportTest, Training) {
  const auto c = random_case(1, 1, 1, 2, 2, 4);
  for (const torch::Tensor* t : {&c.q, &c.k, &c.v}) {
    t->requires_grad_(true);
    expect(support_.training, c, "it has no backward pass");
    t->requires_grad_(false);
  }
}

TEST_P(KernelSupportTest, GradientsOfBiases) {
  auto c = random_case(1, 1, 1, 2, 2, 4);
  c.args.bias = torch::zeros({2, 2}).requires_grad_(true);
  expect(support_.bias_gradients, c, "its backward pass computes no gradient of a dense bias");
  c.args.bias = torch::Tensor();
  c.args.relative_bias = torch::zeros({1, 3}).requires_grad_(true);
  expect(support_.relative_gradients, c, "its backward pass computes no gradient of relative_bias");
}

TEST_P(KernelSupportTest, Float64) {
  const auto c = testing::moved(random_case(1, 1, 1, 2, 2, 4), torch::kCPU, torch::kDouble);
  expect(support_.float64, c, "it computes in float32");
}

TEST_P(KernelSupportTest, Weights) {
  torch::Tensor weights;
  expect(support_.weights, random_case(1, 1, 1, 2, 2, 4, {.weights = &weights}), "it never forms");
}

TEST_P(KernelSupportTest, SixteenBitsWideHeadsAndManyQueries) {
  for (const auto dtype : {torch::kBFloat16, torch::kHalf})
    EXPECT_THAT(refusal(testing::moved(random_case(1, 1, 1, 2, 2, 4), torch::kCPU, dtype)),
                IsEmpty());
  EXPECT_THAT(refusal(random_case(1, 4, 2, 300, 300, 300)), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Kernels, KernelSupportTest,
                         ::testing::ValuesIn(testing::kernels_on_the_cpu()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace zoo
