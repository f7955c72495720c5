// The one training loop: every family, objective and data set goes through fit().
#pragma once
#include <torch/nn/module.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "train/loop/observer.h"
#include "train/loop/options.h"
#include "train/loop/processes.h"
#include "train/loop/task.h"

namespace zoo {

/// What a run is besides its task and options.
struct Run {
  std::filesystem::path folder = {};
  std::string title = {};        ///< of the report
  std::string config_text = {};  ///< effective configuration, kept as run.toml
  /// Shown in the report: {"Parameters", "0.80 M"}.
  std::vector<std::pair<std::string, std::string>> facts = {};
  bool resume = false;  ///< continue from folder/last
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
/// last, best, metrics.jsonl, TensorBoard events, report.html) and reports to the observer. Throws
/// std::runtime_error where the loss is no longer a number, or files cannot be written; checkpoints
/// that were complete stay complete.
TrainResult fit(Task& task, const TrainOptions& options, const Run& run,
                TrainingObserver& observer);
/// The same, observed by nobody.
TrainResult fit(Task& task, const TrainOptions& options, const Run& run);

}  // namespace zoo
