// The interface between the training loop and a model with its objective and data.
#pragma once
#include <torch/nn/module.h>
#include <torch/types.h>

#include <filesystem>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "train/loop/processes.h"
#include "train/run/report.h"
#include "train/run/run_verdict.h"

namespace zoo {

/// "loss" and the task's other metrics, under their names in metrics.jsonl.
using Metrics = std::map<std::string, double>;

/// A micro-batch under the names of `transformers`: "input_ids", "labels", "pixel_values".
using NamedTensors = std::map<std::string, torch::Tensor>;

/// The trainer passes it to a task's step, which calls it to differentiate. loss_sum is summed over
/// `weight` tokens or examples. The trainer divides by the total weight of an update, scales,
/// accumulates and sums over processes, which call it equally often.
using Backward = std::function<void(const torch::Tensor& loss_sum, double weight)>;

/// A model with its objective and data. The model is on its device already.
///
/// Of several processes, each has a task made of the same data with the same seed: all draw the
/// same batches, and each computes its rows of them (shares.h).
class Task {
 public:
  virtual ~Task() = default;
  /// Before the first step or evaluation; without it, the task is alone.
  void share_with(Processes& processes) { processes_ = &processes; }
  Processes& processes() const { return *processes_; }
  virtual torch::nn::Module& model() = 0;
  /// One micro-batch: forward, then one or more calls of backward, or none if the batch has no
  /// target: every process as many, with a weight of 0 where only its rows have no target. Returns
  /// metrics besides the loss.
  virtual Metrics step(const Backward& backward) = 0;
  /// Whether a step calls backward more than once, or differentiates by itself as well.
  virtual bool differentiates_in_parts() const { return false; }
  /// Evaluates the whole validation set; empty if it has no target. The same in every process. Does
  /// not draw from torch's default generator. Throws Interrupted after a signal.
  virtual Metrics evaluate() = 0;
  /// Whether there is a validation set, even one without targets.
  virtual bool validates() const { return false; }
  /// Shown in the report; may be empty. Does not draw from torch's default generator.
  virtual std::string sample() { return {}; }
  /// Figures of the last evaluate(), for the report.
  virtual std::vector<ReportPicture> pictures() { return {}; }
  /// Writes a checkpoint that Python opens.
  virtual void save(const std::filesystem::path& folder) const = 0;
  virtual void load(const std::filesystem::path& folder) = 0;
  /// Position in the training data, as text; restoring it gives the same batches again.
  virtual std::string data_state() const = 0;
  virtual void restore_data(std::string_view state) = 0;
  /// Tensors besides weights that a batch leaves to the next one (a segment memory), for
  /// checkpoints: [rows, ...] of this process's rows of it. None is ever changed in place.
  virtual NamedTensors carried() const { return {}; }
  /// After restore_data(). Throws std::runtime_error for tensors that this run cannot have.
  virtual void restore_carried(const NamedTensors& tensors) {
    if (!tensors.empty())
      throw std::runtime_error("this run has no use for 'carried." + tensors.begin()->first + "'");
  }
  /// A fingerprint of the training data; empty if unknown. A run resumes only on the data that it
  /// began with.
  virtual std::string data_fingerprint() const { return {}; }
  virtual Goal goal() const { return {}; }
  /// The unit of weights: "tokens", "images".
  virtual std::string unit() const { return "tokens"; }
  /// If set, it is called with each batch of step().
  std::function<void(const NamedTensors&)> watch_batch = {};

 protected:
  /// step() calls it with its batch; `name` makes the named tensors, only if watch_batch is set.
  template <class Name>
  void show_batch(Name&& name) {
    if (watch_batch) watch_batch(name());
  }

 private:
  Processes* processes_ = &single_process();
};

}  // namespace zoo
