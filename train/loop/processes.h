// The processes of a data-parallel run. Each has the whole model and its own micro-batches; their
// gradients are summed. A backend (torch's c10d with Gloo or NCCL) implements this class; nothing
// else in the loop changes.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <vector>

namespace zoo {

class Processes {
 public:
  virtual ~Processes() = default;
  virtual int64_t rank() const = 0;
  virtual int64_t size() const = 0;
  /// Replaces every tensor by its sum over all processes, bit-identical on each. All processes call
  /// it in the same order with tensors of the same shapes and types: gradients on the model's
  /// device, counts in float64 on the CPU. Throws std::runtime_error if a process is gone.
  virtual void all_reduce_sum(const std::vector<torch::Tensor>& tensors) = 0;

  /// The same for plain numbers; a single process returns them unchanged.
  std::vector<double> sum(const std::vector<double>& values);
  /// Whether it is true in any process.
  bool any(bool holds) { return sum({holds ? 1.0 : 0.0}).front() > 0.0; }
};

/// The instance for a single process.
Processes& single_process();

}  // namespace zoo
