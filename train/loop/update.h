// One update: micro-batches to the gradient of their weighted mean, clipping, AdamW's step.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "train/loop/optimizer.h"
#include "train/loop/options.h"
#include "train/loop/precision.h"
#include "train/loop/processes.h"
#include "train/loop/task.h"
#include "train/loop/weight_average.h"

namespace zoo {

/// The result of an update, over all processes.
struct Update {
  double loss = 0.0, weight = 0.0, gradient_norm = 0.0, learning_rate = 0.0, seconds = 0.0;
  Metrics metrics;
  ProcessTraffic traffic;  ///< of this process, for this update
};

/// A loss or gradient that is not finite: "the loss became nan".
struct NotFinite : std::runtime_error {
  NotFinite(const std::string& what, double value);
};

class Updater {
 public:
  /// With the task's processes.
  Updater(Task& task, const TrainOptions& options);

  /// Makes update `step`, counted from 0. Skips micro-batches without a target; if an update would
  /// have no others, it takes the next ones. Returns nothing if a signal came before the gradient
  /// was complete; the data, the generators and the module are then at a point from which a resumed
  /// run makes the same update. Throws NotFinite before any weight has changed, std::runtime_error
  /// if there is no target at all.
  std::optional<Update> update(int64_t step);

  AdamW& optimizer() { return optimizer_; }
  LossScaler& scaler() { return scaler_; }
  WeightAverage& average() { return average_; }
  /// Micro-batches without a target so far.
  int64_t skipped_batches() const { return skipped_batches_; }
  void set_skipped_batches(int64_t count) { skipped_batches_ = count; }
  /// The position in the data of the first batch, for training on one batch.
  void set_first_batch(std::string data_state) { first_data_state_ = std::move(data_state); }
  /// Called with the gradients of the first update, before clipping.
  void set_inspector(std::function<void(torch::nn::Module&, double divisor)> inspect) {
    inspect_ = std::move(inspect);
  }

 private:
  /// Over the micro-batches of an update and all processes.
  struct Sums {
    double loss = 0.0, weight = 0.0;
    double scale = 0.0;  ///< gradients are those of loss / scale; the same in all processes
  };
  void backward(const torch::Tensor& loss, bool is_last);
  bool forward_backward(Update& result, Sums& sums);
  bool micro_batches(Update& result, Sums& sums);
  void apply(Update& result, int64_t step, double divisor);
  void sum_gradients();
  Processes& processes() const { return task_.processes(); }

  Task& task_;
  TrainOptions options_;
  torch::Device device_;
  AdamW optimizer_;
  LossScaler scaler_;
  WeightAverage average_;
  std::unique_ptr<GradientSum> gradient_sum_;  // empty where there is none
  bool summing_ = false;                       // it has begun in this update
  std::string first_data_state_;
  std::function<void(torch::nn::Module&, double)> inspect_;
  int64_t skipped_batches_ = 0;
};

}  // namespace zoo
