// What one of several processes does of a batch and of an evaluation: equal parts, which together
// are what a single process does. With one process, all of it.
#pragma once
#include <torch/types.h>

#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

#include "models/layers/batch_shard.h"
#include "train/loop/processes.h"
#include "train/objectives/meter.h"

namespace zoo {

/// This process's rows of a batch that every process has drawn. While one lives, the model's
/// forward passes compute them as a part of that batch (models/layers/batch_shard.h).
///
///   const TextBatch batch = training_.next();              // of all processes
///   const BatchShare share(processes(), batch.inputs.size(0));
///   const auto logits = model_(share.rows(batch.inputs));  // [rows, T, V]
class BatchShare {
 public:
  BatchShare(Processes& processes, int64_t total);
  /// x [total, ...] -> [rows, ...]; undefined stays undefined.
  torch::Tensor rows(const torch::Tensor& x) const;
  /// Of something that each row has one of.
  template <class T>
  std::vector<T> rows(const std::vector<T>& all) const {
    return {all.begin() + shard_.first, all.begin() + shard_.first + shard_.rows};
  }
  int64_t first() const { return shard_.first; }
  int64_t count() const { return shard_.rows; }

 private:
  BatchShard shard_;
  std::optional<BatchShardGuard> guard_;  // empty with one process
};

/// Rows [N, ...] of a model's output -> those of all processes [total, ...], for a loss over the
/// whole batch. Every process computes that loss; it backpropagates the part of it that is its own,
/// loss / processes.size().
torch::Tensor gather_rows(Processes& processes, const torch::Tensor& rows);

/// Deals the batches of an evaluation out to the processes.
///
///   EvaluationShare share(processes());
///   for (const auto& batch : validation_)
///     if (share.takes_next()) meter.add(...);
///   share.finish();
///   sum_over(processes(), meter);
class EvaluationShare {
 public:
  /// deals = false: every process takes all batches.
  explicit EvaluationShare(Processes& processes, bool deals = true)
      : processes_(processes), deals_(deals) {}
  /// Whether the next batch is this process's. After a signal a single process throws Interrupted;
  /// one of several takes no more.
  bool takes_next();
  /// After the last batch: throws Interrupted in every process if one of them had a signal.
  void finish();

 private:
  Processes& processes_;
  bool deals_, interrupted_ = false;
  int64_t next_ = 0;
};

namespace detail {
template <class Visitor>
void each_sum(double& sum, Visitor&& visitor) {
  visitor(sum);
}
template <class Visitor>
void each_sum(int64_t& sum, Visitor&& visitor) {
  visitor(sum);
}
template <class Visitor>
void each_sum(DeviceSum& sum, Visitor&& visitor) {
  visitor(sum);
}
template <class Meter, class Visitor>
void each_sum(Meter& meter, Visitor&& visitor) {
  meter.each_sum(visitor);
}
inline double value_of(double sum) { return sum; }
inline double value_of(int64_t sum) { return static_cast<double>(sum); }
inline double value_of(const DeviceSum& sum) { return sum.value(); }
inline void set(double& sum, double value) { sum = value; }
inline void set(int64_t& sum, double value) { sum = std::llround(value); }
inline void set(DeviceSum& sum, double value) { sum.set(value); }
}  // namespace detail

/// Replaces the sums of meters, or plain sums, by those over all processes.
template <class... Meters>
void sum_over(Processes& processes, Meters&... meters) {
  if (processes.size() == 1) return;
  std::vector<double> sums;
  (detail::each_sum(meters, [&](auto& sum) { sums.push_back(detail::value_of(sum)); }), ...);
  sums = processes.sum(sums);
  size_t next = 0;
  (detail::each_sum(meters, [&](auto& sum) { detail::set(sum, sums[next++]); }), ...);
}

}  // namespace zoo
