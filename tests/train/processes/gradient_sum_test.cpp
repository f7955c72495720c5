// Gradients summed while backward computes others are those of one process with all rows.
#include <torch/torch.h>

#include "tests/train/processes/joined.h"

namespace zoo {
namespace {

/// Two layers; one that only rank 1 uses, one that is used before the last micro-batch alone, one
/// that nobody uses.
struct Net : torch::nn::Module {
  Net() {
    torch::manual_seed(0);
    for (auto* const layer : {&first, &second, &rare, &early, &never}) {
      *layer =
          register_module("layer" + std::to_string(children().size()), torch::nn::Linear(6, 6));
      (*layer)->to(torch::kDouble);
    }
  }
  torch::Tensor loss(const torch::Tensor& rows, bool use_rare, bool use_early) {
    auto x = torch::tanh(first(rows));
    if (use_rare) x = x + rare(rows);
    if (use_early) x = x + early(rows);
    return second(x).pow(2).sum();
  }
  torch::nn::Linear first{nullptr}, second{nullptr}, rare{nullptr}, early{nullptr}, never{nullptr};
};

torch::Tensor rows_of(int64_t step, int64_t micro_batch, int64_t rank) {
  torch::manual_seed(1000 * step + 100 * micro_batch + rank + 1);
  return torch::randn({rank + 2, 6}, torch::kDouble);
}

bool has_targets(int64_t step, int64_t rank) { return step != 2 || rank != 1; }

/// The gradients of all processes' rows, in one process.
std::vector<torch::Tensor> gradients_in_one(Net& net, int64_t step, int64_t size) {
  net.zero_grad();
  for (int64_t rank = 0; rank < size; ++rank) {
    net.loss(rows_of(step, 0, rank), rank == 1, true).backward();
    if (has_targets(step, rank)) net.loss(rows_of(step, 1, rank), rank == 1, false).backward();
  }
  std::vector<torch::Tensor> gradients;
  for (const auto& parameter : net.parameters()) gradients.push_back(parameter.grad());
  return gradients;
}

PROCESS_BODY(Gradients) {
  const bool narrow = variable_or("ZOO_TEST_BF16", 0) > 0;
  const auto processes = join_for_test({.bf16_gradients = narrow});
  Net net, one;
  const auto sum = processes->gradient_sum(net.parameters());
  const auto rank = processes->rank();
  for (int64_t step = 0; step < 4; ++step) {
    for (auto& parameter : net.parameters()) parameter.mutable_grad().reset();
    net.loss(rows_of(step, 0, rank), rank == 1, true).backward();  // not summed yet
    auto loss = has_targets(step, rank) ? net.loss(rows_of(step, 1, rank), rank == 1, false)
                                        : torch::Tensor();
    sum->begin(loss);
    if (loss.defined()) loss.backward();
    sum->finish();
    const auto expected = gradients_in_one(one, step, processes->size());
    const auto found = net.parameters();
    for (size_t i = 0; i < found.size(); ++i) {
      require(found[i].grad().defined() == expected[i].defined(), "only used ones have a gradient");
      if (!expected[i].defined()) continue;
      const double tolerance = narrow ? 0.03 * expected[i].abs().max().item<double>() : 1e-12;
      require((found[i].grad() - expected[i]).abs().max().item<double>() <= tolerance,
              fmt::format("gradient {} at step {}", i, step));
      fmt::print("{} ", found[i].grad().sum().item<double>());
    }
  }
}

PROCESS_BODY(OtherShapes) {
  const auto processes = join_for_test();
  const torch::nn::Linear layer(3, own_rank() == 1 ? 5 : 4);
  processes->gradient_sum(layer->parameters());
}

class GradientSumTest : public testing::TestWithParam<int> {
  void SetUp() override {
    if (!can_join_processes()) GTEST_SKIP() << "this build has no Gloo: install libgloo-dev";
  }
};

TEST_P(GradientSumTest, IsTheGradientOfOneProcessWithAllRows) {
  const auto ends = run_processes(GetParam(), {.body = "Gradients"});
  expect_all_good(ends);
  for (const auto& end : ends) EXPECT_EQ(end.output, ends.front().output);
}

TEST_P(GradientSumTest, InBf16IsCloseAndEqualInAllProcesses) {
  const auto ends =
      run_processes(GetParam(), {.body = "Gradients", .variables = {{"ZOO_TEST_BF16", "1"}}});
  expect_all_good(ends);
  for (const auto& end : ends) EXPECT_EQ(end.output, ends.front().output);
}

TEST_P(GradientSumTest, RefusesModelsOfOtherShapes) {
  for (const auto& end : run_processes(GetParam(), {.body = "OtherShapes"}))
    expect_one_line(end, "trains a model of other shapes than process 0");
}

INSTANTIATE_TEST_SUITE_P(Counts, GradientSumTest, testing::Values(2, 4),
                         [](const auto& info) { return std::to_string(info.param); });

}  // namespace
}  // namespace zoo
