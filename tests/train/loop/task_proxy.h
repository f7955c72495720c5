// A task that does as another one does, until a test has it do otherwise.
#pragma once
#include <functional>
#include <memory>
#include <utility>

#include "base/interrupt.h"
#include "train/loop/task.h"

namespace zoo::testing {

class TaskProxy : public Task {
 public:
  explicit TaskProxy(std::unique_ptr<Task> task) : task_(std::move(task)) {}
  torch::nn::Module& model() override { return task_->model(); }
  Metrics step(const Backward& backward) override {
    if (before_step()) return task_->step(backward);
    return task_->step([](const torch::Tensor&, double) {});
  }
  Metrics evaluate() override {
    before_evaluation();
    stop_if_interrupted("measuring");
    return measures ? task_->evaluate() : Metrics{};
  }
  bool validates() const override { return true; }
  std::string sample() override { return task_->sample(); }
  void save(const std::filesystem::path& folder) const override { task_->save(folder); }
  void load(const std::filesystem::path& folder) override { task_->load(folder); }
  std::string data_state() const override { return task_->data_state(); }
  void restore_data(std::string_view state) override { task_->restore_data(state); }
  NamedTensors carried() const override { return task_->carried(); }
  void restore_carried(const NamedTensors& tensors) override { task_->restore_carried(tensors); }
  Goal goal() const override { return task_->goal(); }

  /// False: the batch is taken to hold nothing to learn from.
  std::function<bool()> before_step = [] { return true; };
  std::function<void()> before_evaluation = [] {};
  bool measures = true;

 private:
  std::unique_ptr<Task> task_;
};

}  // namespace zoo::testing
