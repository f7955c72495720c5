// Hidden keys, and queries without upstream gradient, may hold NaN: nothing of it reaches results.
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "tests/models/attention/hidden_numbers.h"
#include "tests/models/attention/kernel_support.h"

namespace zoo {
namespace {

using testing::random_case;

class AttendHiddenTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { torch::manual_seed(8); }
  static void expect_hidden(const testing::HiddenCase& c) {
    testing::expect_hidden(c, testing::run_kernel(GetParam(), c.dirty),
                           testing::run_kernel(GetParam(), c.clean), 1e-5);
  }
};

TEST_P(AttendHiddenTest, HiddenNanChangesNothing) {
  for (const auto& [T, S] :
       std::vector<std::pair<int64_t, int64_t>>{{1, 9}, {3, 40}, {17, 17}, {70, 70}, {66, 130}}) {
    SCOPED_TRACE(std::to_string(T) + " queries, " + std::to_string(S) + " keys");
    for (const auto& c : testing::hidden_cases(T, S, 8)) expect_hidden(c);
  }
}

TEST_P(AttendHiddenTest, NanInTheFutureChangesNothing) {
  for (const int64_t T : {2, 16, 33, 64, 100})
    expect_hidden(
        testing::with_last_key_hidden("causal", random_case(1, 2, 2, T, T, 5, {.causal = true})));
}

TEST_P(AttendHiddenTest, PaddedQueriesThatAreNanAddNothing) {
  expect_hidden(testing::with_nan_padding(20, 4));
}

TEST_P(AttendHiddenTest, VisibleNanReachesTheOutput) {
  auto c = random_case(1, 1, 1, 40, 40, 4, {.causal = true});
  c.v = c.v.clone();
  c.v[0][0][20].fill_(std::numeric_limits<float>::quiet_NaN());
  const auto y = attend(GetParam(), c.q, c.k, c.v, c.args);
  EXPECT_FALSE(y.narrow(2, 0, 20).isnan().any().item<bool>());
  EXPECT_TRUE(y.narrow(2, 20, 20).isnan().all().item<bool>());
}

INSTANTIATE_TEST_SUITE_P(Kernels, AttendHiddenTest,
                         ::testing::ValuesIn(testing::kernels_on_the_cpu()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace zoo
