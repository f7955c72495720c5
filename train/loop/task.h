// What the training loop asks of a model with its objective and data.
#pragma once
#include <torch/nn/module.h>
#include <torch/types.h>

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "train/run/report.h"
#include "train/run/verdict.h"

namespace zoo {

/// "loss" and whatever else a task measures, by the names of metrics.jsonl.
using Metrics = std::map<std::string, double>;

/// A micro-batch under the names of `transformers`: "input_ids", "labels", "pixel_values".
using NamedTensors = std::map<std::string, torch::Tensor>;

/// Given by the trainer to a task's step: differentiates. loss_sum is summed over `weight` tokens
/// or examples; the trainer divides by the sum of all weights of an update, scales, accumulates and
/// adds up over processes.
using Backward = std::function<void(const torch::Tensor& loss_sum, double weight)>;

/// A family with its objective and data, as the trainer sees it. The model is on its device
/// already.
class Task {
 public:
  virtual ~Task() = default;
  virtual torch::nn::Module& model() = 0;
  /// One micro-batch: forward, then backward (once or more often; not at all where it has no
  /// target). Returns metrics besides the loss.
  virtual Metrics step(const Backward& backward) = 0;
  /// The whole validation set; empty where there is no target in it. Draws nothing from torch's
  /// default generator. Throws Interrupted where a signal comes.
  virtual Metrics evaluate() = 0;
  /// Whether there is a validation set, though it may have no target.
  virtual bool validates() const { return false; }
  /// Shown in the report; may be empty. Draws nothing from torch's default generator.
  virtual std::string sample() { return {}; }
  /// Drawings of what evaluate() found last, for the report.
  virtual std::vector<ReportPicture> pictures() { return {}; }
  /// The checkpoint that Python opens.
  virtual void save(const std::filesystem::path& folder) const = 0;
  virtual void load(const std::filesystem::path& folder) = 0;
  /// Position in the training data, as text; restoring it gives the same batches again.
  virtual std::string data_state() const = 0;
  virtual void restore_data(std::string_view state) = 0;
  /// What the training data is, as text that differs where the data does; empty: not known. A run
  /// resumes only on the data that it began with.
  virtual std::string data_fingerprint() const { return {}; }
  virtual Goal goal() const { return {}; }
  /// What weights count: "tokens", "images".
  virtual std::string unit() const { return "tokens"; }
  /// Shown what step() learns from, where set.
  std::function<void(const NamedTensors&)> watch_batch = {};

 protected:
  /// To be called by step() with its batch; `name` makes tensors of it where somebody looks.
  template <class Name>
  void show_batch(Name&& name) {
    if (watch_batch) watch_batch(name());
  }
};

}  // namespace zoo
