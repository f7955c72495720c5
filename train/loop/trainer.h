// The one training loop: every family, objective and data set goes through fit().
#pragma once
#include <torch/nn/module.h>
#include <torch/types.h>

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "train/loop/options.h"
#include "train/run/report.h"
#include "train/run/verdict.h"

namespace zoo {

/// "loss" and whatever else a task measures, by the names of metrics.jsonl.
using Metrics = std::map<std::string, double>;

/// A micro-batch under the names of `transformers`: "input_ids", "labels", "pixel_values".
using NamedTensors = std::map<std::string, torch::Tensor>;

/// Given by the trainer to a task's step: differentiates. loss_sum is summed over `weight` tokens
/// or examples; the trainer divides by the sum of all weights of an update, scales, accumulates and
/// synchronises.
using Backward = std::function<void(const torch::Tensor& loss_sum, double weight)>;

/// A family with its objective and data, as the trainer sees it. The model is on its device
/// already.
class Task {
 public:
  virtual ~Task() = default;
  virtual torch::nn::Module& model() = 0;
  /// One micro-batch: forward, then backward (once or more often; not at all where nothing in it
  /// counts). Returns metrics besides the loss.
  virtual Metrics step(const Backward& backward) = 0;
  /// The whole validation set; empty where there is nothing to measure with. Draws nothing from
  /// torch's default generator. Throws Interrupted where a signal comes.
  virtual Metrics evaluate() = 0;
  /// Whether there is a validation set, though nothing in it may count.
  virtual bool validates() const { return false; }
  /// Shown in the report; may be empty. Draws nothing from torch's default generator.
  virtual std::string sample() { return {}; }
  /// Drawings of what evaluate() found last, for the report.
  virtual std::vector<ReportPicture> pictures() { return {}; }
  /// The checkpoint that Python opens.
  virtual void save(const std::filesystem::path& folder) const = 0;
  virtual void load(const std::filesystem::path& folder) = 0;
  /// Place in the data, as text; restoring it gives the same batches again.
  virtual std::string data_state() const = 0;
  virtual void restore_data(std::string_view state) = 0;
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

/// What a run is besides its task and options.
struct Run {
  std::filesystem::path folder = {};
  std::string title = {};        ///< of the report
  std::string config_text = {};  ///< effective configuration, kept as run.toml
  /// Shown in the report: {"Parameters", "0.80 M"}.
  std::vector<std::pair<std::string, std::string>> facts = {};
  bool resume = false;  ///< go on from folder/last
  /// The model came with trained weights: they are worth a checkpoint before the first update, and
  /// stay the best one where training makes them worse.
  bool starts_trained = false;
  /// Called with the first update's gradients in place, before clipping; they are still to be
  /// divided by `divisor`.
  std::function<void(torch::nn::Module&, double divisor)> inspect_first_gradients = {};
};

struct TrainResult {
  int64_t step = 0;
  int64_t updates = 0;  ///< of them made by this call
  bool interrupted = false;
  bool stopped_early = false;
  Metrics final_metrics;  ///< of the last evaluation
  Metrics best_metrics;
  int64_t best_step = 0;
  Verdict verdict;  ///< whether the run went as its recipe says
};

/// Trains until max_steps, early stop or a signal. Writes the run folder (DESIGN: checkpoints/,
/// last, best, metrics.jsonl, TensorBoard events, report.html) and shows progress. Throws
/// std::runtime_error where the loss is no longer a number, or files cannot be written; checkpoints
/// that were complete stay complete.
TrainResult fit(Task& task, const TrainOptions& options, const Run& run);

}  // namespace zoo
