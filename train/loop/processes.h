// The processes of a data-parallel run. Each has the whole model and its part of every batch; their
// gradients are summed. A backend (torch's c10d with Gloo or NCCL) implements this class; the loop
// knows nothing else of it.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace zoo {

/// Sums gradients over processes while backward still computes others.
class GradientSum {
 public:
  virtual ~GradientSum() = default;
  /// Before the last backward pass of an update, from `loss`: as soon as a bucket of gradients is
  /// complete, its sum begins.
  virtual void begin(const torch::Tensor& loss) = 0;
  /// After that pass: waits until every gradient is the sum. A parameter that no process used has
  /// none.
  virtual void finish() = 0;
};

/// What the exchange with the others has cost so far.
struct ProcessTraffic {
  double seconds_waited = 0.0;  ///< for others; without what passes while backward computes
  int64_t bytes = 0;            ///< of tensors that were summed, gathered or broadcast
};

class Processes {
 public:
  virtual ~Processes() = default;
  virtual int64_t rank() const = 0;
  virtual int64_t size() const = 0;

  // All processes call these in the same order with tensors of the same types and, but for
  // all_gather's first dimension, shapes. They throw std::runtime_error, which names the process,
  // if one is gone.

  /// Replaces every tensor by its sum over all processes, bit-identical on each: gradients on the
  /// model's device, counts.
  virtual void all_reduce_sum(const std::vector<torch::Tensor>& tensors) = 0;
  /// Rows [N_rank, ...] -> [sum of N_rank, ...] in the order of ranks; N_rank may be 0.
  virtual torch::Tensor all_gather(const torch::Tensor& rows) = 0;
  /// Replaces every tensor by that of process `from`.
  virtual void broadcast(const std::vector<torch::Tensor>& tensors, int64_t from) = 0;
  /// The text of every process in the order of ranks; for set-up.
  virtual std::vector<std::string> exchange(const std::string& text) = 0;
  /// For these parameters; nothing where the backend has none (then all_reduce_sum after backward).
  virtual std::unique_ptr<GradientSum> gradient_sum(
      const std::vector<torch::Tensor>& parameters) = 0;
  /// For messages: "process 1 (node7, pid 123)".
  virtual std::string name(int64_t rank) const { return "process " + std::to_string(rank); }
  virtual ProcessTraffic traffic() const { return {}; }

  /// Sums of plain numbers; a single process returns them unchanged.
  std::vector<double> sum(const std::vector<double>& values);
  /// Whether it is true in any process.
  bool any(bool holds) { return sum({holds ? 1.0 : 0.0}).front() > 0.0; }
};

/// The instance for a single process.
Processes& single_process();

}  // namespace zoo
