// Updates of one process, and of two that share every batch.
#include "train/loop/update.h"

#include <gmock/gmock.h>
#include <torch/nn/modules/linear.h>

#include <algorithm>
#include <string>
#include <vector>

#include "models/layers/auxiliary_losses.h"
#include "tests/train/loop/thread_processes.h"
#include "train/loop/shares.h"

namespace zoo::testing {
namespace {

/// A micro-batch of so many examples. The second layer sees those from number `second_from` on.
struct MicroBatch {
  int64_t examples = 0;
  int64_t second_from = 0;
};

struct TwoLayersImpl : torch::nn::Module {
  TwoLayersImpl() {
    first = register_module("first", torch::nn::Linear(3, 1));
    second = register_module("second", torch::nn::Linear(3, 1));
    to(torch::kDouble);
    const torch::NoGradGuard no_grad;  // weights that no generator decides: the threads share one
    double end = 0.0;
    for (auto& parameter : parameters())
      parameter.copy_(torch::linspace(-0.5, end += 0.1, parameter.numel()).view_as(parameter));
  }
  torch::nn::Linear first{nullptr}, second{nullptr};
};
TORCH_MODULE(TwoLayers);

/// Who adds the outputs' squares to the objective, 0.3 times: nobody, the task, or the layer.
enum class Penalty { kNone, kOfTask, kOfLayer };

/// Squared errors on examples that their numbers decide.
class SquaredErrors : public Task {
 public:
  SquaredErrors(std::vector<MicroBatch> batches, Penalty penalty)
      : batches_(std::move(batches)), penalty_(penalty) {}
  torch::nn::Module& model() override { return *model_; }
  Metrics step(const Backward& backward) override {
    const MicroBatch batch = batches_.at(next_++);
    if (batch.examples == 0) return {};
    const auto numbers = torch::arange(number_, number_ + 3 * batch.examples, torch::kDouble);
    number_ += 3 * batch.examples;
    const BatchShare share(processes(), batch.examples);
    const auto x = share.rows(numbers.sin().view({batch.examples, 3}));
    const int64_t rows = share.count();
    const int64_t head = std::clamp<int64_t>(batch.second_from - share.first(), 0, rows);
    auto y = model_->first(x);
    if (head < rows) {
      const auto second = model_->second(x.narrow(0, head, rows - head));
      y = torch::cat({y.narrow(0, 0, head), y.narrow(0, head, rows - head) + second});
    }
    if (penalty_ == Penalty::kOfLayer) {
      y = with_auxiliary_loss(y, "size", 0.3, [&] {
        return y.square().sum() / sum_over_shards(torch::full({}, rows, torch::kDouble));
      });
    }
    auto loss = (y - 1).square().sum();
    if (penalty_ == Penalty::kOfTask) loss = loss + 0.3 * y.square().sum();
    backward(loss, static_cast<double>(rows));
    return {};
  }
  Metrics evaluate() override { return {}; }
  void save(const std::filesystem::path&) const override {}
  void load(const std::filesystem::path&) override {}
  std::string data_state() const override { return std::to_string(next_); }
  void restore_data(std::string_view state) override { next_ = std::stoul(std::string(state)); }

 private:
  TwoLayers model_;
  std::vector<MicroBatch> batches_;
  int64_t number_ = 0;
  Penalty penalty_;
  size_t next_ = 0;
};

struct Outcome {
  Update update;
  int64_t skipped = 0;
  std::vector<torch::Tensor> gradients, weights;
};

Outcome one_update(const std::vector<MicroBatch>& batches, Penalty penalty = Penalty::kNone,
                   Precision precision = Precision::kFp32,
                   Processes& processes = single_process()) {
  TrainOptions options;
  options.precision = precision;
  options.accumulate = std::ssize(batches);
  options.clip = 0.5;
  options.schedule = {.kind = ScheduleKind::kConstant, .warmup_steps = 0, .steps = 1};
  SquaredErrors task(batches, penalty);
  task.share_with(processes);
  Updater updater(task, options);
  Outcome outcome;
  updater.set_inspector([&](torch::nn::Module& module, double divisor) {
    for (const auto& parameter : module.parameters()) {
      const auto& gradient = parameter.grad();
      outcome.gradients.push_back(gradient.defined() ? gradient / divisor : gradient);
    }
  });
  outcome.update = updater.update(0).value();
  outcome.skipped = updater.skipped_batches();
  for (const auto& weight : task.model().parameters()) outcome.weights.push_back(weight.detach());
  return outcome;
}

std::vector<Outcome> in_two_processes(const std::vector<MicroBatch>& batches,
                                      Penalty penalty = Penalty::kNone) {
  std::vector<Outcome> outcomes(2);
  in_processes(2, [&](Processes& process) {
    outcomes.at(static_cast<size_t>(process.rank())) =
        one_update(batches, penalty, Precision::kFp32, process);
  });
  return outcomes;
}

void expect_equal(const Outcome& one, const std::vector<Outcome>& two) {
  for (const Outcome& outcome : two) {
    EXPECT_NEAR(outcome.update.loss, one.update.loss, 1e-12);
    EXPECT_EQ(outcome.update.weight, one.update.weight);
    EXPECT_NEAR(outcome.update.gradient_norm, one.update.gradient_norm, 1e-12);
    EXPECT_EQ(outcome.skipped, one.skipped);
    ASSERT_EQ(outcome.gradients.size(), one.gradients.size());
    for (size_t i = 0; i < one.gradients.size(); ++i) {
      EXPECT_EQ(outcome.gradients[i].defined(), one.gradients[i].defined());
      if (!one.gradients[i].defined()) continue;
      EXPECT_TRUE(torch::allclose(outcome.gradients[i], one.gradients[i], 1e-12, 1e-12)) << i;
      EXPECT_TRUE(torch::allclose(outcome.weights[i], one.weights[i], 1e-6, 1e-9)) << i;
      EXPECT_TRUE(outcome.weights[i].equal(two.front().weights[i])) << i;  // to the last bit
    }
  }
}

TEST(UpdaterTest, TwoProcessesThatShareBatchesMakeTheUpdateOfOne) {
  const std::vector<MicroBatch> batches = {{3}, {1}, {50}, {2}};  // of {1}, one has no row
  expect_equal(one_update(batches), in_two_processes(batches));
}

TEST(UpdaterTest, BatchesWithoutATargetAreSkippedInAllProcesses) {
  for (const std::vector<MicroBatch>& batches :
       {std::vector<MicroBatch>{{0}, {4}, {7}, {0}}, {{0}, {0}, {0}, {5}}})
    expect_equal(one_update(batches), in_two_processes(batches));
}

TEST(UpdaterTest, AParameterThatOneProcessDoesNotUseHasTheGradientOfTheOther) {
  for (const std::vector<MicroBatch>& batches :
       {std::vector<MicroBatch>{{4, 2}, {6, 3}}, {{3, 3}, {4, 4}}})
    expect_equal(one_update(batches), in_two_processes(batches));
}

TEST(UpdaterTest, ALossOfALayerCountsAsOneOfTheTaskForEveryExample) {
  const std::vector<MicroBatch> batches = {{3}, {0}, {50}, {2}};
  const auto by_task = one_update(batches, Penalty::kOfTask);
  const auto by_layer = one_update(batches, Penalty::kOfLayer);
  const auto none = one_update(batches);
  for (size_t i = 0; i < none.gradients.size(); ++i) {
    EXPECT_TRUE(torch::allclose(by_layer.gradients[i], by_task.gradients[i], 1e-12, 1e-12)) << i;
    EXPECT_FALSE(torch::allclose(by_layer.gradients[i], none.gradients[i], 1e-3, 1e-3)) << i;
  }
  // It is reported beside the loss, not in it.
  EXPECT_NEAR(by_layer.update.loss, none.update.loss, 1e-12);
  EXPECT_THAT(none.update.metrics, ::testing::IsEmpty());
  EXPECT_GT(by_layer.update.metrics.at("size"), 0.0);
  EXPECT_NEAR(0.3 * one_update({{3}}, Penalty::kOfLayer).update.metrics["size"],
              one_update({{3}}, Penalty::kOfTask).update.loss - one_update({{3}}).update.loss,
              1e-12);
}

TEST(UpdaterTest, ALossOfALayerKeepsItsShareInProcessesAndUnderALossScale) {
  const auto one = one_update({{3}, {1}, {50}, {2}}, Penalty::kOfLayer);
  expect_equal(one, in_two_processes({{3}, {1}, {50}, {2}}, Penalty::kOfLayer));
  const auto scaled = one_update({{3}, {1}, {50}, {2}}, Penalty::kOfLayer, Precision::kFp16);
  for (size_t i = 0; i < one.gradients.size(); ++i)
    EXPECT_TRUE(torch::allclose(scaled.gradients[i], one.gradients[i], 1e-2, 1e-3)) << i;
}

}  // namespace
}  // namespace zoo::testing
