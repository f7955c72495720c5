// The training loop of every family, objective and data set: fit().
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

/// A run, apart from its task and options.
struct Run {
  std::filesystem::path folder = {};
  std::string program = {};      ///< "train_gpt"
  std::string title = {};        ///< of the report; empty: the folder's name
  std::string recipe = {};       ///< that a new run begins with; empty: none
  std::string config_text = {};  ///< effective configuration, kept as run.toml
  /// Shown in the report: {"Parameters", "0.80 M"}.
  std::vector<std::pair<std::string, std::string>> facts = {};
  bool resume = false;  ///< continue from folder/last
  /// The model was loaded with trained weights: they get a checkpoint before the first update, and
  /// stay the best one if training makes the model worse.
  bool starts_trained = false;
  /// Called with the gradients of the first update, before clipping and before the division by
  /// `divisor`.
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

/// Trains until max_steps, early stopping or a signal. Writes the run folder (checkpoints/, last,
/// best, metrics.jsonl, TensorBoard events, report.html) and reports to the observer. Throws
/// std::runtime_error if the loss becomes NaN or infinite, or files cannot be written; complete
/// checkpoints stay complete.
TrainResult fit(Task& task, const TrainOptions& options, const Run& run,
                TrainingObserver& observer);
/// The same without an observer.
TrainResult fit(Task& task, const TrainOptions& options, const Run& run);

}  // namespace zoo
