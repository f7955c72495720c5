// Updates of one process, and of two that add up their gradients.
#include "train/loop/update.h"

#include <gmock/gmock.h>
#include <torch/nn/modules/linear.h>

#include <barrier>
#include <string>
#include <thread>
#include <vector>

#include "models/layers/auxiliary_losses.h"

namespace zoo::testing {
namespace {

/// A micro-batch of so many examples, of which the second layer sees none or all.
struct MicroBatch {
  int64_t examples = 0;
  bool second_layer = true;
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
  SquaredErrors(std::vector<MicroBatch> batches, int64_t first_number, Penalty penalty)
      : batches_(std::move(batches)), number_(first_number), penalty_(penalty) {}
  torch::nn::Module& model() override { return *model_; }
  Metrics step(const Backward& backward) override {
    const MicroBatch batch = batches_.at(next_++);
    if (batch.examples == 0) return {};
    const auto numbers = torch::arange(number_, number_ + 3 * batch.examples, torch::kDouble);
    number_ += 3 * batch.examples;
    const auto x = numbers.sin().view({batch.examples, 3});
    auto y = model_->first(x);
    if (batch.second_layer) y = y + model_->second(x);
    if (penalty_ == Penalty::kOfLayer)
      y = with_auxiliary_loss(y, "size", 0.3, [&] { return y.square().mean(); });
    auto loss = (y - 1).square().sum();
    if (penalty_ == Penalty::kOfTask) loss = loss + 0.3 * y.square().sum();
    backward(loss, static_cast<double>(batch.examples));
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
  int64_t number_;
  Penalty penalty_;
  size_t next_ = 0;
};

/// Where the threads of a test meet to add up their tensors.
class Meeting {
 public:
  explicit Meeting(std::ptrdiff_t size)
      : size_(size), barrier_(size), values_(static_cast<size_t>(size)) {}
  std::ptrdiff_t size() const { return size_; }
  void sum(int64_t rank, const std::vector<torch::Tensor>& tensors) {
    const torch::NoGradGuard no_grad;
    auto& mine = values_.at(static_cast<size_t>(rank));
    mine.clear();
    for (const auto& tensor : tensors) mine.push_back(tensor.clone());
    barrier_.arrive_and_wait();
    for (size_t i = 0; i < tensors.size(); ++i) {
      tensors[i].zero_();
      for (const auto& of_rank : values_) tensors[i].add_(of_rank.at(i));
    }
    barrier_.arrive_and_wait();
  }

 private:
  std::ptrdiff_t size_;
  std::barrier<> barrier_;
  std::vector<std::vector<torch::Tensor>> values_;
};

class ThreadProcess final : public Processes {
 public:
  ThreadProcess(Meeting& meeting, int64_t rank) : meeting_(meeting), rank_(rank) {}
  int64_t rank() const override { return rank_; }
  int64_t size() const override { return meeting_.size(); }
  void all_reduce_sum(const std::vector<torch::Tensor>& tensors) override {
    meeting_.sum(rank_, tensors);
  }
  torch::Tensor all_gather(const torch::Tensor& rows) override { return rows; }
  void broadcast(const std::vector<torch::Tensor>&, int64_t) override {}
  std::vector<std::string> exchange(const std::string& text) override { return {text}; }
  std::unique_ptr<GradientSum> gradient_sum(const std::vector<torch::Tensor>&) override {
    return {};
  }

 private:
  Meeting& meeting_;
  int64_t rank_;
};

struct Outcome {
  Update update;
  int64_t skipped = 0;
  std::vector<torch::Tensor> gradients, weights;
};

Outcome one_update(const std::vector<MicroBatch>& batches, int64_t first_number,
                   Processes& processes, Penalty penalty = Penalty::kNone,
                   Precision precision = Precision::kFp32) {
  TrainOptions options;
  options.precision = precision;
  options.accumulate = std::ssize(batches);
  options.clip = 0.5;
  options.schedule = {.kind = ScheduleKind::kConstant, .warmup_steps = 0, .steps = 1};
  SquaredErrors task(batches, first_number, penalty);
  Updater updater(task, options, processes);
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

/// Each process has its own micro-batches; the examples of the second follow those of the first.
std::vector<Outcome> in_two_processes(const std::vector<MicroBatch>& a,
                                      const std::vector<MicroBatch>& b,
                                      Penalty penalty = Penalty::kNone) {
  int64_t of_first = 0;
  for (const auto& batch : a) of_first += batch.examples;
  Meeting meeting(2);
  std::vector<Outcome> outcomes(2);
  std::thread other([&] {
    ThreadProcess process(meeting, 1);
    outcomes[1] = one_update(b, 3 * of_first, process, penalty);
  });
  ThreadProcess process(meeting, 0);
  outcomes[0] = one_update(a, 0, process, penalty);
  other.join();
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

TEST(UpdaterTest, TwoProcessesWithHalfOfTheMicroBatchesMakeTheUpdateOfOneWithAll) {
  const auto two = in_two_processes({{3}, {1}}, {{50}, {2}});
  expect_equal(one_update({{3}, {1}, {50}, {2}}, 0, single_process()), two);
}

TEST(UpdaterTest, AProcessMayHaveMicroBatchesWithoutATarget) {
  expect_equal(one_update({{0}, {4}, {7}, {0}}, 0, single_process()),
               in_two_processes({{0}, {4}}, {{7}, {0}}));
  expect_equal(one_update({{0}, {0}, {0}, {5}}, 0, single_process()),
               in_two_processes({{0}, {0}}, {{0}, {5}}));
}

TEST(UpdaterTest, AParameterThatOneProcessDoesNotUseHasTheGradientOfTheOther) {
  expect_equal(one_update({{3, false}, {4, true}}, 0, single_process()),
               in_two_processes({{3, false}}, {{4, true}}));
  expect_equal(one_update({{3, false}, {4, false}}, 0, single_process()),
               in_two_processes({{3, false}}, {{4, false}}));
}

TEST(UpdaterTest, ALossOfALayerCountsAsOneOfTheTaskForEveryExample) {
  const std::vector<MicroBatch> batches = {{3}, {0}, {50}, {2}};
  const auto by_task = one_update(batches, 0, single_process(), Penalty::kOfTask);
  const auto by_layer = one_update(batches, 0, single_process(), Penalty::kOfLayer);
  const auto none = one_update(batches, 0, single_process());
  for (size_t i = 0; i < none.gradients.size(); ++i) {
    EXPECT_TRUE(torch::allclose(by_layer.gradients[i], by_task.gradients[i], 1e-12, 1e-12)) << i;
    EXPECT_FALSE(torch::allclose(by_layer.gradients[i], none.gradients[i], 1e-3, 1e-3)) << i;
  }
  // It is reported beside the loss, not in it.
  EXPECT_NEAR(by_layer.update.loss, none.update.loss, 1e-12);
  EXPECT_THAT(none.update.metrics, ::testing::IsEmpty());
  EXPECT_GT(by_layer.update.metrics.at("size"), 0.0);
  EXPECT_NEAR(
      0.3 * one_update({{3}}, 0, single_process(), Penalty::kOfLayer).update.metrics["size"],
      one_update({{3}}, 0, single_process(), Penalty::kOfTask).update.loss -
          one_update({{3}}, 0, single_process()).update.loss,
      1e-12);
}

TEST(UpdaterTest, ALossOfALayerKeepsItsShareInProcessesAndUnderALossScale) {
  const auto one = one_update({{3}, {1}, {50}, {2}}, 0, single_process(), Penalty::kOfLayer);
  expect_equal(one, in_two_processes({{3}, {1}}, {{50}, {2}}, Penalty::kOfLayer));
  const auto scaled =
      one_update({{3}, {1}, {50}, {2}}, 0, single_process(), Penalty::kOfLayer, Precision::kFp16);
  for (size_t i = 0; i < one.gradients.size(); ++i)
    EXPECT_TRUE(torch::allclose(scaled.gradients[i], one.gradients[i], 1e-2, 1e-3)) << i;
}

}  // namespace
}  // namespace zoo::testing
