// What every mixer promises, whatever its idea: causality, padding, steps, gradients, edges.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "models/mixers/mixer_options.h"
#include "tests/support/flop_counter.h"
#include "tests/support/gradient_check.h"

namespace zoo {
namespace {

using testing::FlopCounter;
using ::testing::HasSubstr;
using testing::torch_error_of;

constexpr int64_t kWidth = 12, kLongest = 20;

class MixerLawsTest : public ::testing::TestWithParam<MixerKind> {
 protected:
  void SetUp() override {
    torch::manual_seed(7);
    // Small chunks, so that short texts have many.
    const MixerOptions options{.mixer_chunk = 5,
                               .gla_rank = 3,
                               .ssd_state = 4,
                               .ssd_groups = 1,
                               .ssd_convolution = 3,
                               .performer_features = 7,
                               .linformer_length = 6,
                               .reformer_rounds = 2,
                               .reformer_buckets = 4,
                               .reformer_chunk = 2};
    mixer =
        make_mixer(GetParam(), options,
                   {.d_model = kWidth, .heads = 3, .positions = kLongest, .attention = "matmul"});
    const torch::NoGradGuard no_grad;
    for (auto& p : mixer->parameters()) p.add_(torch::randn_like(p) * 0.3);
    mixer->to(torch::kDouble);
  }
  static torch::Tensor normal(at::IntArrayRef shape) { return torch::randn(shape, torch::kDouble); }
  static torch::Tensor lengths_of(const std::vector<int64_t>& values) {
    return torch::tensor(values, torch::kLong);
  }
  std::vector<bool> directions() const {
    std::vector<bool> all;
    for (const bool causal : {true, false})
      if (mixer->supports(causal)) all.push_back(causal);
    return all;
  }
  MixerState empty_state(int64_t batch) const {
    return mixer->make_state(batch, torch::TensorOptions().dtype(torch::kDouble));
  }
  std::shared_ptr<TokenMixer> mixer;
};

TEST_P(MixerLawsTest, LaterTokensDoNotReachThePast) {
  if (!mixer->supports(true)) {
    EXPECT_THAT(torch_error_of([&] {
                  mixer->forward(normal({1, 4, kWidth}));
                }),
                HasSubstr("cannot look back only"));
    return;
  }
  const auto x = normal({2, 13, kWidth});
  const auto before = mixer->forward(x);
  for (int64_t t = 0; t < 13; ++t) {
    auto changed = x.clone();
    changed.select(1, t).add_(normal({2, kWidth}) * 3);
    const auto after = mixer->forward(changed);
    EXPECT_TRUE(torch::allclose(after.narrow(1, 0, t), before.narrow(1, 0, t), 1e-10, 1e-10)) << t;
    EXPECT_GT((after.select(1, t) - before.select(1, t)).abs().max().item<double>(), 1e-6) << t;
  }
}

TEST_P(MixerLawsTest, WithoutCausalityTokensSeeLaterOnes) {
  if (!mixer->supports(false)) {
    EXPECT_THAT(torch_error_of([&] {
                  mixer->forward(normal({1, 4, kWidth}), {.causal = false});
                }),
                HasSubstr("cannot look both ways"));
    return;
  }
  const auto x = normal({2, 13, kWidth});
  auto changed = x.clone();
  changed.select(1, 12).add_(1.0);
  const auto difference =
      mixer->forward(changed, {.causal = false}) - mixer->forward(x, {.causal = false});
  // (Reformer: only tokens of its bucket.)
  EXPECT_GT(difference.narrow(1, 0, 12).abs().max().item<double>(), 1e-6);
}

TEST_P(MixerLawsTest, RowsOfABatchAreAsAlone) {
  const std::vector<int64_t> lengths{13, 1, 7, 4};
  for (const bool causal : directions()) {
    const auto x = normal({4, 13, kWidth});
    const auto y = mixer->forward(x, {.causal = causal, .lengths = lengths_of(lengths)});
    for (int64_t b = 0; b < 4; ++b) {
      const int64_t T = lengths[static_cast<size_t>(b)];
      const auto alone = mixer->forward(x.narrow(0, b, 1).narrow(1, 0, T), {.causal = causal});
      EXPECT_TRUE(torch::allclose(y.narrow(0, b, 1).narrow(1, 0, T), alone, 1e-10, 1e-10)) << b;
    }
  }
}

TEST_P(MixerLawsTest, NothingInPaddingLeaks) {
  const auto lengths = lengths_of({9, 0, 5});
  for (const bool causal : directions()) {
    auto x = normal({3, 9, kWidth});
    const auto clean = mixer->forward(x, {.causal = causal, .lengths = lengths});
    auto dirty = x.clone();
    dirty[1].fill_(NAN);
    dirty[2].narrow(0, 5, 4).fill_(INFINITY);
    dirty.requires_grad_(true);
    const auto y = mixer->forward(dirty, {.causal = causal, .lengths = lengths});
    EXPECT_TRUE(torch::equal(y[0], clean[0]));
    EXPECT_TRUE(torch::equal(y[2].narrow(0, 0, 5), clean[2].narrow(0, 0, 5)));
    EXPECT_TRUE(y.isfinite().all().item<bool>());
    (y[0].sum() + y[2].narrow(0, 0, 5).sum()).backward();
    EXPECT_TRUE(dirty.grad().isfinite().all().item<bool>());
    EXPECT_EQ(dirty.grad()[1].abs().max().item<double>(), 0.0);
    for (const auto& p : mixer->named_parameters())
      EXPECT_TRUE(p.value().grad().isfinite().all().item<bool>()) << p.key();
  }
}

TEST_P(MixerLawsTest, StepsAreAsTheWhole) {
  if (!mixer->supports(true)) {
    EXPECT_THAT(torch_error_of([&] { empty_state(1); }), HasSubstr("no state to step"));
    return;
  }
  const auto x = normal({2, 17, kWidth});
  const auto whole = mixer->forward(x);
  auto state = empty_state(2);
  std::vector<torch::Tensor> ys;
  int64_t start = 0;
  for (const int64_t length : {1, 6, 1, 0, 1, 8}) {  // a prompt may come at any time
    ys.push_back(mixer->step(x.narrow(1, start, length), state));
    start += length;
  }
  EXPECT_TRUE(torch::allclose(torch::cat(ys, 1), whole, 1e-10, 1e-10));
  EXPECT_TRUE(torch::equal(state.lengths, lengths_of({17, 17})));
  EXPECT_GT(state.bytes(), 0);
}

TEST_P(MixerLawsTest, RaggedStepsAndBeamsAreAsAlone) {
  if (!mixer->supports(true)) {
    MixerState none{.lengths = lengths_of({0})};
    EXPECT_THAT(torch_error_of([&] {
                  mixer->step(normal({1, 1, kWidth}), none);
                }),
                HasSubstr("cannot step"));
    return;
  }
  const auto prompt = normal({3, 7, kWidth}), next = normal({4, 3, kWidth});
  const std::vector<int64_t> counts{4, 7, 0}, rows{1, 0, 0, 2};
  auto padded = prompt.clone();
  padded[0].narrow(0, 4, 3).fill_(NAN);
  padded[2].fill_(NAN);
  auto state = empty_state(3);
  mixer->step(padded, state, lengths_of(counts));
  state.reorder(lengths_of(rows));
  const auto y = mixer->step(next, state);
  for (int64_t b = 0; b < 4; ++b) {
    const int64_t row = rows[static_cast<size_t>(b)], T = counts[static_cast<size_t>(row)];
    const auto text = torch::cat({prompt[row].narrow(0, 0, T), next[b]}).unsqueeze(0);
    const auto alone = mixer->forward(text).narrow(1, T, 3);
    EXPECT_TRUE(torch::allclose(y.narrow(0, b, 1), alone, 1e-10, 1e-10)) << b;
    EXPECT_EQ(state.lengths[b].item<int64_t>(), T + 3);
  }
}

TEST_P(MixerLawsTest, GradientsAreThoseOfDifferences) {
  const auto lengths = lengths_of({8, 5});
  for (const bool causal : directions()) {
    auto x = normal({2, 8, kWidth}).requires_grad_(true);
    const auto upstream = normal({2, 8, kWidth});
    std::vector<torch::Tensor> inputs = mixer->parameters();
    inputs.push_back(x);
    testing::expect_gradients_match_differences(
        [&] {
          const auto y = mixer->forward(x, {.causal = causal, .lengths = lengths});
          return (y * upstream)[0].sum() + (y * upstream)[1].narrow(0, 0, 5).sum();
        },
        inputs, 6, 2e-6);
  }
}

TEST_P(MixerLawsTest, EmptyBatchesAndTextsGiveEmptyResults) {
  for (const bool causal : directions()) {
    for (const auto& shape : {std::vector<int64_t>{0, 5, kWidth}, {2, 0, kWidth}, {2, 1, kWidth}}) {
      const auto x = normal(shape).requires_grad_(true);
      const auto y = mixer->forward(x, {.causal = causal});
      EXPECT_EQ(y.sizes(), x.sizes());
      EXPECT_TRUE(y.isfinite().all().item<bool>());
      y.sum().backward();
    }
  }
}

TEST_P(MixerLawsTest, ShortNumbersGiveNearlyTheSame) {
  const torch::NoGradGuard no_grad;
  for (const bool causal : directions()) {
    const auto x = normal({2, 13, kWidth}).to(torch::kBFloat16);
    mixer->to(torch::kBFloat16);
    const auto short_numbers = mixer->forward(x, {.causal = causal}).to(torch::kDouble);
    mixer->to(torch::kDouble);
    const auto wanted = mixer->forward(x.to(torch::kDouble), {.causal = causal});
    EXPECT_LT(((short_numbers - wanted).norm() / wanted.norm()).item<double>(), 0.05);
  }
}

TEST_P(MixerLawsTest, CountsItsOperations) {
  const torch::NoGradGuard no_grad;
  for (const bool causal : directions()) {
    for (const int64_t T : {1, 13, 20}) {
      const auto x = normal({2, T, kWidth});
      const FlopCounter counter;
      mixer->forward(x, {.causal = causal});
      EXPECT_EQ(counter.flops(), 2 * mixer->cost(T, causal).operations)
          << T << ", causal " << causal;
    }
  }
}

TEST_P(MixerLawsTest, CountsItsParametersAndWhatItKeeps) {
  const torch::NoGradGuard no_grad;
  const bool causal = mixer->supports(true);
  const MixerCost cost = mixer->cost(7, causal);
  double parameters = 0, kept = 0;
  for (const auto& p : mixer->parameters()) parameters += static_cast<double>(p.numel());
  EXPECT_EQ(cost.parameters, parameters);
  if (!causal) return;
  MixerState state = empty_state(1);
  mixer->step(normal({1, 7, kWidth}), state);
  for (const auto& [name, tensor] : state.tensors) kept += static_cast<double>(tensor.numel());
  EXPECT_EQ(cost.state_values + 7 * cost.token_values, kept);
}

TEST_P(MixerLawsTest, RowsOfTwoStatesGoOnTogether) {
  const torch::NoGradGuard no_grad;
  if (!mixer->supports(true)) return;
  MixerState together = empty_state(2), other = empty_state(1);
  const auto first = normal({2, 5, kWidth}), second = normal({1, 9, kWidth}),
             next = normal({3, 1, kWidth});
  mixer->step(first, together);
  mixer->step(second, other);
  together.append(other);
  const auto got = mixer->step(next, together);  // [3, 1, C]
  const auto whole = [&](const torch::Tensor& before, int64_t row) {
    return mixer->forward(torch::cat({before, next.narrow(0, row, 1)}, 1))
        .narrow(1, before.size(1), 1);
  };
  const auto wanted = torch::cat(
      {whole(first.narrow(0, 0, 1), 0), whole(first.narrow(0, 1, 1), 1), whole(second, 2)});
  EXPECT_TRUE(torch::allclose(got, wanted, 1e-8, 1e-10));
  EXPECT_TRUE(torch::equal(together.lengths, lengths_of({6, 6, 10})));
}

TEST_P(MixerLawsTest, OperationsGrowWithTheLength) {
  const bool causal = mixer->supports(true);
  const double ratio =
      mixer->cost(65536, causal).operations / mixer->cost(16384, causal).operations;
  EXPECT_NEAR(ratio, 4.0, 0.01);
}

TEST_P(MixerLawsTest, OneLineSaysWhatIsWrong) {
  EXPECT_THAT(torch_error_of([&] {
                mixer->forward(normal({2, 3, 5}));
              }),
              HasSubstr("x must be [batch, length, 12], got [2, 3, 5]"));
  EXPECT_THAT(torch_error_of([&] {
                mixer->forward(normal({2, 3, kWidth}), {.lengths = lengths_of({1, 2, 3})});
              }),
              HasSubstr("lengths must be int64 [2]"));
}

INSTANTIATE_TEST_SUITE_P(Kinds, MixerLawsTest,
                         ::testing::Values(MixerKind::kLinear, MixerKind::kRetention,
                                           MixerKind::kGla, MixerKind::kSsd, MixerKind::kPerformer,
                                           MixerKind::kLinformer, MixerKind::kReformer),
                         [](const auto& info) { return std::string(name_of(info.param)); });

}  // namespace
}  // namespace zoo
