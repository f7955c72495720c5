// Every option of attend beside every other, on shapes drawn at random: what single tests miss.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/models/attention/attention_reference.h"
#include "tests/models/attention/kernel_support.h"
#include "tests/support/gradient_check.h"

namespace zoo {
namespace {

using testing::AttendCase;

class AttendCombinationsTest : public ::testing::TestWithParam<std::string> {};

/// Draws shapes and options; one seed, one sequence of cases.
class CaseSource {
 public:
  explicit CaseSource(unsigned seed) : random_(seed) { torch::manual_seed(seed); }

  AttendCase next() {
    const int64_t B = pick({0, 1, 2, 3}), Hkv = pick({1, 2}), H = Hkv * pick({1, 2, 3});
    const int64_t T = pick({0, 1, 2, 5, 17, 33}), S = coin(0.4) ? T : pick({0, 1, 2, 7, 16, 40});
    auto c = testing::random_case(B, H, Hkv, T, S, pick({1, 3, 4, 5, 8, 16}));
    c.args = options(B, H, T, S);
    if (coin(0.5)) c.q = strided(c.q);
    if (coin(0.5)) c.k = strided(c.k);
    if (coin(0.5)) c.v = strided(c.v);
    return c;
  }

 private:
  bool coin(double p) { return std::uniform_real_distribution<double>(0, 1)(random_) < p; }
  int64_t pick(const std::vector<int64_t>& from) {
    return from[std::uniform_int_distribution<size_t>(0, from.size() - 1)(random_)];
  }
  /// The same values, laid out as [B, T, H, Dh].
  static torch::Tensor strided(const torch::Tensor& t) {
    return t.transpose(1, 2).contiguous().transpose(1, 2);
  }
  /// A shape that broadcasts to [B, H, T, S].
  std::vector<int64_t> broadcastable(int64_t B, int64_t H, int64_t T, int64_t S) {
    std::vector<int64_t> shape{B, H, T, S};
    for (int64_t& size : shape) size = coin(0.4) ? 1 : size;
    return {shape.begin() + pick({0, 0, 1, 2, 3}), shape.end()};
  }
  torch::Tensor per_row(int64_t low, int64_t high, int64_t B) {
    return torch::randint(low, high + 1, {B}, torch::kLong);
  }
  AttendArgs options(int64_t B, int64_t H, int64_t T, int64_t S) {
    AttendArgs args;
    args.causal = coin(0.5);
    if (coin(0.3)) args.window = pick({1, 2, 3, 20});
    if (coin(0.3)) args.prefix_lengths = per_row(-1, S + 1, B);
    if (coin(0.3)) args.global_tokens = pick({1, 2, 5});
    if (coin(0.3)) {
      args.block_size = pick({1, 2, 3, 8});
      const int64_t columns = (S + args.block_size - 1) / args.block_size + pick({0, 1});
      auto layout = torch::rand({H, pick({1, 2, 3, 20}), columns}) < 0.6;
      args.block_layout = coin(0.5) ? layout : layout[0].clone();
    }
    if (coin(0.3)) args.query_start = per_row(-2, S + 2, B);
    if (coin(0.3)) args.key_lengths = per_row(0, S, B);
    if (coin(0.3)) args.may_attend = torch::rand(broadcastable(B, H, T, S)) < 0.7;
    if (coin(0.3)) args.bias = torch::randn(broadcastable(B, H, T, S));
    if (coin(0.3)) args.relative_bias = torch::randn({H, std::max<int64_t>(0, T + S - 1)});
    if (coin(0.2)) args.head_gate = coin(0.5) ? torch::randn({H}) : torch::randn({B, H});
    if (coin(0.2)) args.scale = 0.3;
    if (coin(0.2)) args.score_cap = coin(0.5) ? 0.7 : 30.0;
    if (coin(0.3)) args.dropout = coin(0.1) ? 1.0 : 0.4;
    args.dropout_seed = random_();
    return args;
  }
  std::mt19937_64 random_;
};

std::string describe(const AttendCase& c) {
  std::ostringstream text;
  const auto flag = [&](const char* name, bool on) { text << (on ? " " : "") << (on ? name : ""); };
  text << "q " << c.q.sizes() << " k " << c.k.sizes();
  flag("causal", c.args.causal);
  flag("window", c.args.window.has_value());
  flag("prefix_lengths", c.args.prefix_lengths.defined());
  flag("global_tokens", c.args.global_tokens > 0);
  flag("block_layout", c.args.block_layout.defined());
  flag("query_start", c.args.query_start.defined());
  flag("key_lengths", c.args.key_lengths.defined());
  flag("may_attend", c.args.may_attend.defined());
  flag("bias", c.args.bias.defined());
  flag("relative_bias", c.args.relative_bias.defined());
  flag("head_gate", c.args.head_gate.defined());
  flag("scale", c.args.scale.has_value());
  flag("score_cap", c.args.score_cap > 0);
  flag("dropout", c.args.dropout > 0);
  return text.str();
}

TEST_P(AttendCombinationsTest, AllOptionsHoldTogether) {
  CaseSource source(20);
  for (int n = 0; n < 400 && !HasFailure(); ++n) {
    const auto c = source.next();
    SCOPED_TRACE(std::to_string(n) + ": " + describe(c));
    EXPECT_EQ(testing::refusal(GetParam(), c), "");
    EXPECT_EQ(testing::trains(GetParam(), c), testing::support_of(GetParam()).training);
    testing::expect_as_exact_as_torch(GetParam(), c);
  }
}

TEST_P(AttendCombinationsTest, GradientsMatchFiniteDifferences) {
  const auto support = testing::support_of(GetParam());
  CaseSource source(21);
  for (int n = 0; n < 40 && !HasFailure(); ++n) {
    auto c = source.next();
    if (c.q.numel() == 0 || c.k.numel() == 0 || c.q.numel() > 400) continue;
    SCOPED_TRACE(std::to_string(n) + ": " + describe(c));
    std::vector<torch::Tensor> leaves;
    for (torch::Tensor* t :
         {&c.q, &c.k, &c.v, &c.args.bias, &c.args.relative_bias, &c.args.head_gate}) {
      if (!t->defined()) continue;
      *t = t->to(torch::kDouble).contiguous().requires_grad_(true);
      if (c.args.dropout < 1.0) leaves.push_back(*t);
    }
    const bool supported = support.training && support.float64 &&
                           (support.bias_gradients || !c.args.bias.defined()) &&
                           (support.relative_gradients || !c.args.relative_bias.defined());
    ASSERT_EQ(attention_kernel(GetParam()).refuses(c.q, c.k, c.v, c.args).empty(), supported);
    if (!supported || leaves.empty()) continue;
    const auto upstream = c.upstream.to(torch::kDouble);
    const auto loss = [&] { return (attend(GetParam(), c.q, c.k, c.v, c.args) * upstream).sum(); };
    testing::expect_gradients_match_differences(loss, leaves, 12);
  }
}

TEST_P(AttendCombinationsTest, WeightsAreThoseOfTheFormulaWithoutDropout) {
  CaseSource source(22);
  for (int n = 0; n < 100 && !HasFailure(); ++n) {
    auto c = source.next();
    SCOPED_TRACE(std::to_string(n) + ": " + describe(c));
    torch::Tensor weights;
    c.args.weights = &weights;
    ASSERT_EQ(testing::refusal(GetParam(), c).empty(), testing::support_of(GetParam()).weights);
    if (!testing::support_of(GetParam()).weights) return;
    attend(GetParam(), c.q, c.k, c.v, c.args);
    const auto wanted = testing::reference(c).weights;
    ASSERT_EQ(weights.sizes(), wanted.sizes());
    EXPECT_TRUE(torch::allclose(weights.to(torch::kDouble), wanted, 1e-4, 1e-6));
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, AttendCombinationsTest,
                         ::testing::ValuesIn(testing::kernels_on_the_cpu()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace zoo
