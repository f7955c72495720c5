// Kernels from a library of one's own: own_attend.cpp, built as my_test_attend.so.
#include "models/attention/kernels/own_kernel.h"

#include <gmock/gmock.h>
#include <torch/autograd.h>
#include <torch/utils.h>

#include <filesystem>

#include "base/own_function.h"
#include "tests/support/refusal.h"

namespace zoo {
namespace {

using testing::error_of;
using ::testing::HasSubstr;

torch::Tensor own_input(int64_t heads, int64_t length) {
  return torch::randn({2, heads, length, 3}, torch::requires_grad());
}

TEST(OwnKernelTest, IsFoundByNameAndAgreesWithMatmul) {
  torch::manual_seed(1);
  const auto q = own_input(4, 5), k = own_input(2, 7), v = own_input(2, 7);
  const AttendArgs restricted[] = {{},
                                   {.causal = true},
                                   {.causal = true, .window = 3},
                                   {.key_lengths = torch::tensor({7, 4})},
                                   {.scale = 0.3}};
  for (const AttendArgs& args : restricted) {
    const auto own = attend("my_test_attend", q, k, v, args);
    const auto expected = attend("matmul", q, k, v, args);
    EXPECT_TRUE(torch::allclose(own, expected, 1e-5, 1e-6));
    const auto upstream = torch::randn_like(own);
    const auto gradients = torch::autograd::grad({own}, {q, k, v}, {upstream});
    const auto wanted = torch::autograd::grad({expected}, {q, k, v}, {upstream});
    for (size_t n = 0; n < wanted.size(); ++n)
      EXPECT_TRUE(torch::allclose(gradients[n], wanted[n], 1e-4, 1e-5));
  }
}

TEST(OwnKernelTest, RefusesWhatItCannotDo) {
  const auto q = torch::randn({1, 1, 2, 3});
  const auto& kernel = attention_kernel("my_test_attend");
  torch::Tensor weights;
  AttendArgs wants_weights;
  wants_weights.weights = &weights;
  EXPECT_THAT(kernel.refuses(q, q, q, wants_weights), HasSubstr("matmul"));
  EXPECT_THAT(kernel.refuses(q, q, q, {.bias = torch::zeros({1})}), HasSubstr("matmul"));
  EXPECT_THAT(kernel.refuses(q, q, q, {.score_cap = 2.0}), HasSubstr("matmul"));
  EXPECT_THAT(kernel.refuses(q, q, q, {.dropout = 0.1}), HasSubstr("dropout"));
  EXPECT_TRUE(kernel.refuses(q, q, q, {.causal = true}).empty());
}

TEST(OwnKernelTest, ANameThatIsNotThereIsOneLine) {
  for (const char* name : {"my_absent", "my_../my_test_attend", "my_"})
    EXPECT_THAT(error_of([&] { attention_kernel(name); }), HasSubstr("scripts/grade.sh use"));
  EXPECT_THAT(error_of([] { find_own_function("attend", "/no/such.so"); }),
              HasSubstr("cannot be loaded"));
}

}  // namespace
}  // namespace zoo
