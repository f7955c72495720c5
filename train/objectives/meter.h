// Sums over the batches of an evaluation or an update. They stay on the device until they are read,
// so no batch waits for the one before it.
#pragma once
#include <torch/types.h>

#include <map>
#include <optional>
#include <string>

namespace zoo {

/// A sum of scalars.
class DeviceSum {
 public:
  /// Accumulates in this type; without a type, in that of the values.
  explicit DeviceSum(std::optional<torch::Dtype> type = torch::kDouble) : type_(type) {}
  /// value [], of any type and device.
  void add(const torch::Tensor& value);
  /// 0 if nothing was added. Waits for the device.
  double value() const;
  /// From here on the sum is this.
  void set(double value);

 private:
  std::optional<torch::Dtype> type_;
  torch::Tensor sum_;  // [], undefined before the first value
};

/// The mean of a loss over the targets or examples that it was summed over.
class MeanMeter {
 public:
  /// sum, count []: a batch's loss, summed over `count` targets.
  void add(const torch::Tensor& sum, const torch::Tensor& count);
  void add(const torch::Tensor& sum, double count);
  double count() const { return count_.value() + host_count_; }
  double sum() const { return sum_.value(); }
  /// NaN if nothing was added.
  double mean() const { return sum() / count(); }
  /// visitor(DeviceSum&) or visitor(double&) for each sum.
  template <class Visitor>
  void each_sum(Visitor&& visitor) {
    visitor(sum_), visitor(count_), visitor(host_count_);
  }

 private:
  DeviceSum sum_, count_;
  double host_count_ = 0.0;
};

/// Loss and accuracy of predicted tokens or classes.
class PredictionMeter {
 public:
  /// logits [..., V], targets [...] int64 with kIgnored, on one device.
  void add(const torch::Tensor& logits, const torch::Tensor& targets);
  /// Targets that are not ignored.
  double targets() const { return loss_.count(); }
  double loss_sum() const { return loss_.sum(); }  ///< nats
  double loss() const { return loss_.mean(); }     ///< nats a target
  double accuracy() const { return correct_.value() / targets(); }
  template <class Visitor>
  void each_sum(Visitor&& visitor) {
    loss_.each_sum(visitor), visitor(correct_);
  }
  /// loss, perplexity and accuracy, under their names in metrics.jsonl.
  std::map<std::string, double> metrics() const;

 private:
  MeanMeter loss_;
  DeviceSum correct_;
};

}  // namespace zoo
