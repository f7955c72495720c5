// What attend promises, one promise a test, for every kernel in the list.
#include "models/attention/attend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/autograd.h>

#include "tests/models/attention/attention_reference.h"
#include "tests/models/attention/kernel_support.h"

namespace zoo {
namespace {

using testing::AttendCase;
using testing::expect_as_exact_as_torch;
using testing::ids;
using testing::random_case;

class AttendTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { torch::manual_seed(1); }
  /// Runs the case against the reference; skips the test where the kernel refuses it.
  void expect_exact(const AttendCase& c) {
    if (!expect_as_exact_as_torch(GetParam(), c))
      GTEST_SKIP() << GetParam() << " refuses: " << testing::refusal(GetParam(), c);
  }
};

TEST_P(AttendTest, IsAsExactAsTorch) { expect_exact(random_case(2, 3, 3, 33, 33, 16)); }

TEST_P(AttendTest, IsAsExactAsTorchAtTileEdges) {
  for (const int64_t length : {1, 31, 32, 33, 63, 64, 65, 128, 129}) {
    SCOPED_TRACE(length);
    expect_exact(random_case(1, 2, 2, length, length, 32, {.causal = true}));
  }
}

TEST_P(AttendTest, CausalHidesTheFuture) {
  expect_exact(random_case(2, 2, 2, 9, 9, 8, {.causal = true}));
}

TEST_P(AttendTest, CausalAlignsToTheLastKey) {
  expect_exact(random_case(2, 2, 2, 3, 9, 8, {.causal = true}));
  // Once more without the reference: the last query sees all keys, the first all but two.
  const auto c = random_case(1, 1, 1, 3, 9, 4);
  const AttendArgs causal{.causal = true};
  const auto y = attend(GetParam(), c.q, c.k, c.v, causal);
  const auto last = attend(GetParam(), c.q.narrow(2, 2, 1), c.k, c.v);
  const auto first =
      attend(GetParam(), c.q.narrow(2, 0, 1), c.k.narrow(2, 0, 7), c.v.narrow(2, 0, 7));
  EXPECT_TRUE(torch::allclose(y.narrow(2, 2, 1), last, 1e-5, 1e-6));
  EXPECT_TRUE(torch::allclose(y.narrow(2, 0, 1), first, 1e-5, 1e-6));
}

TEST_P(AttendTest, CausalGivesZerosToQueriesBeforeTheFirstKey) {
  const auto c = random_case(1, 2, 2, 7, 3, 4, {.causal = true});
  expect_exact(c);
  const auto y = attend(GetParam(), c.q, c.k, c.v, c.args);
  EXPECT_TRUE(y.narrow(2, 0, 4).eq(0).all().item<bool>());
  EXPECT_TRUE(y.narrow(2, 4, 3).ne(0).all().item<bool>());
}

TEST_P(AttendTest, WindowLimitsHowFarBackAQuerySees) {
  expect_exact(random_case(2, 2, 2, 9, 9, 8, {.causal = true, .window = 3}));
}

TEST_P(AttendTest, WindowOfOneSeesOnlyItself) {
  const auto c = random_case(1, 2, 2, 5, 5, 4, {.causal = true, .window = 1});
  expect_exact(c);
  EXPECT_TRUE(torch::allclose(attend(GetParam(), c.q, c.k, c.v, c.args), c.v));
}

TEST_P(AttendTest, WindowWithoutCausalReachesBothWays) {
  expect_exact(random_case(2, 2, 2, 9, 9, 8, {.window = 3}));
  expect_exact(random_case(2, 2, 2, 4, 9, 8, {.window = 2}));
}

TEST_P(AttendTest, KeysPastTheirLengthArePadding) {
  const auto c = random_case(3, 2, 2, 4, 7, 8, {.key_lengths = ids({7, 3, 1})});
  expect_exact(c);
  auto other_padding = c;
  other_padding.k = c.k.clone();
  other_padding.v = c.v.clone();
  other_padding.k[1].narrow(1, 3, 4).fill_(1e4);
  other_padding.v[1].narrow(1, 3, 4).fill_(1e4);
  EXPECT_TRUE(torch::equal(attend(GetParam(), c.q, c.k, c.v, c.args),
                           attend(GetParam(), c.q, other_padding.k, other_padding.v, c.args)));
}

TEST_P(AttendTest, RowsMayStartAtPlacesOfTheirOwn) {
  expect_exact(
      random_case(3, 2, 2, 2, 8, 4,
                  {.causal = true, .query_start = ids({0, 6, 3}), .key_lengths = ids({2, 8, 5})}));
  expect_exact(random_case(3, 2, 2, 1, 8, 4, {.causal = true, .query_start = ids({0, 7, 3})}));
  expect_exact(
      random_case(2, 2, 2, 2, 8, 4, {.causal = true, .window = 2, .query_start = ids({1, 6})}));
}

TEST_P(AttendTest, TrueInTheMaskTakesPart) {
  const auto mask = torch::tensor({{true, false, false}, {true, true, false}});
  const auto c = random_case(2, 2, 2, 2, 3, 4, {.may_attend = mask});
  expect_exact(c);
  const auto y = attend(GetParam(), c.q, c.k, c.v, c.args);
  EXPECT_TRUE(torch::allclose(y.select(2, 0), c.v.select(2, 0)));
}

TEST_P(AttendTest, MasksOfEveryShapeBroadcast) {
  const std::vector<std::vector<int64_t>> shapes{
      {}, {5}, {4, 5}, {4, 1}, {3, 4, 5}, {3, 1, 5}, {2, 1, 1, 5}, {2, 3, 4, 5}, {1, 1, 4, 1}};
  for (const auto& shape : shapes) {
    SCOPED_TRACE(::testing::PrintToString(shape));
    expect_exact(random_case(2, 3, 3, 4, 5, 8, {.may_attend = torch::rand(shape) < 0.7}));
    expect_exact(random_case(2, 3, 3, 4, 5, 8, {.bias = torch::randn(shape)}));
  }
}

TEST_P(AttendTest, BiasIsAddedToTheScaledScores) {
  expect_exact(random_case(2, 2, 2, 4, 5, 8, {.bias = torch::randn({2, 2, 4, 5}), .scale = 0.25}));
}

TEST_P(AttendTest, RelativeBiasDependsOnTheDistance) {
  expect_exact(random_case(2, 3, 3, 4, 6, 8, {.relative_bias = torch::randn({3, 9})}));
  expect_exact(random_case(
      2, 3, 3, 4, 6, 8,
      {.causal = true, .bias = torch::randn({4, 6}), .relative_bias = torch::randn({3, 9})}));
  // By hand: a bias that is enormous at distance -2 makes query t copy the value of key t - 2.
  auto relative = torch::zeros({1, 9});
  relative[0][-2 + 5 - 1] = 1e4;
  const auto c = random_case(1, 1, 1, 5, 5, 4, {.relative_bias = relative});
  const auto y = attend(GetParam(), c.q, c.k, c.v, c.args);
  EXPECT_TRUE(torch::allclose(y.narrow(2, 2, 3), c.v.narrow(2, 0, 3)));
}

TEST_P(AttendTest, ScaleMultipliesTheScores) {
  expect_exact(random_case(2, 2, 2, 4, 5, 8, {.scale = 0.9}));
  const auto c = random_case(1, 2, 2, 3, 4, 4, {.scale = 0.0});  // all keys alike: the mean value
  const auto mean = c.v.mean(2, true).expand({1, 2, 3, 4});
  EXPECT_TRUE(torch::allclose(attend(GetParam(), c.q, c.k, c.v, c.args), mean, 1e-5, 1e-6));
}

TEST_P(AttendTest, HeadGateMultipliesTheOutputOfAHead) {
  expect_exact(random_case(2, 3, 3, 4, 5, 8, {.head_gate = torch::tensor({1.0F, 0.0F, 0.5F})}));
  expect_exact(random_case(2, 3, 3, 4, 5, 8, {.head_gate = torch::randn({2, 3})}));
}

TEST_P(AttendTest, QueryHeadsShareKeyValueHeads) {
  expect_exact(random_case(2, 6, 2, 5, 7, 8));
  expect_exact(random_case(2, 6, 3, 5, 7, 8, {.causal = true}));
  const auto c = random_case(2, 4, 1, 5, 5, 8, {.causal = true});
  expect_exact(c);
  const auto repeated =
      attend(GetParam(), c.q, c.k.repeat({1, 4, 1, 1}), c.v.repeat({1, 4, 1, 1}), c.args);
  EXPECT_TRUE(torch::allclose(attend(GetParam(), c.q, c.k, c.v, c.args), repeated, 1e-5, 1e-6));
}

TEST_P(AttendTest, ARowThatMayAttendToNothingGivesZerosAndZeroGradients) {
  auto mask = torch::ones({2, 1, 4, 5}, torch::kBool);
  mask[0].select(1, 2).fill_(false);
  const std::vector<AttendArgs> ways{
      {.may_attend = mask},
      {.may_attend = mask, .bias = torch::randn({4, 5})},
      {.may_attend = torch::zeros({}, torch::kBool)},
      {.key_lengths = ids({0, 5})},
      {.causal = true, .key_lengths = ids({0, 2})},
      {.causal = true, .window = 1, .query_start = ids({-3, 9})},
      {.bias = torch::zeros({4, 5}).index_fill(0, ids({1}), -INFINITY)}};
  for (size_t n = 0; n < ways.size(); ++n) {
    SCOPED_TRACE(n);
    expect_exact(random_case(2, 2, 2, 4, 5, 8, ways[n]));
  }
}

TEST_P(AttendTest, WithoutKeysAllInputsStayInTheGraph) {
  const auto c = random_case(1, 2, 2, 3, 0, 4);
  const auto leaf = [](const torch::Tensor& t) { return t.clone().requires_grad_(true); };
  const auto q = leaf(c.q), k = leaf(c.k), v = leaf(c.v), gate = leaf(torch::ones({2}));
  const torch::AutoGradMode mode(testing::trains(GetParam(), c));
  const auto y = attend(GetParam(), q, k, v, {.head_gate = gate});
  EXPECT_TRUE(y.eq(0).all().item<bool>());
  if (!y.requires_grad()) return;
  const auto gradients = torch::autograd::grad({y.sum()}, {q, k, v, gate});
  for (const auto& gradient : gradients) EXPECT_TRUE(gradient.eq(0).all().item<bool>());
}

TEST_P(AttendTest, NoKeysGiveZeros) {
  const auto c = random_case(2, 2, 2, 3, 0, 4);
  expect_exact(c);
  EXPECT_TRUE(attend(GetParam(), c.q, c.k, c.v).eq(0).all().item<bool>());
}

TEST_P(AttendTest, EmptyQueriesBatchesAndHeadsGiveEmptyResults) {
  expect_exact(random_case(2, 2, 2, 0, 3, 4, {.relative_bias = torch::randn({2, 2})}));
  expect_exact(random_case(2, 2, 2, 0, 0, 4, {.causal = true}));
  expect_exact(random_case(0, 2, 2, 3, 3, 4, {.causal = true, .key_lengths = ids({})}));
  expect_exact(random_case(0, 2, 1, 3, 4, 4, {.may_attend = torch::ones({4}, torch::kBool)}));
}

TEST_P(AttendTest, StridedInputsAreWelcome) {
  // As a projection leaves them: [B, T, H, Dh], and queries, keys and values in one matrix.
  const auto all = torch::randn({2, 7, 3, 4, 8});
  auto c = random_case(2, 4, 4, 7, 7, 8, {.causal = true});
  c.q = all.select(2, 0).transpose(1, 2);
  c.k = all.select(2, 1).transpose(1, 2);
  c.v = all.select(2, 2).transpose(1, 2);
  c.upstream = torch::randn({2, 7, 4, 8}).transpose(1, 2);
  expect_exact(c);
  c.k = torch::randn({1, 4, 7, 8}).expand({2, 4, 7, 8});
  c.q = torch::randn({2, 4, 8, 7}).transpose(2, 3);
  c.v = torch::randn({2, 4, 7, 16}).slice(3, 0, 16, 2);
  expect_exact(c);
}

TEST_P(AttendTest, LargeScoresDoNotOverflow) {
  auto c = random_case(1, 2, 2, 8, 8, 8, {.causal = true});
  c.q = c.q * 100;
  c.k = c.k * 100;
  const auto y = attend(GetParam(), c.q, c.k, c.v, c.args);
  EXPECT_TRUE(y.isfinite().all().item<bool>());
  EXPECT_TRUE(torch::allclose(y, testing::reference(c).y.to(torch::kFloat), 1e-3, 1e-3));
}

INSTANTIATE_TEST_SUITE_P(Kernels, AttendTest, ::testing::ValuesIn(testing::kernels_on_the_cpu()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace zoo
