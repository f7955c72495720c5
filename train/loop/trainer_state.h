// The training state in a checkpoint, which makes a resumed run identical to an uninterrupted one:
// optimizer, random state, position in the data, averages, best result, time spent. A resume
// accepts neither missing nor extra parts.
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "train/loop/best_evaluation.h"
#include "train/loop/optimizer.h"
#include "train/loop/precision.h"
#include "train/loop/weight_average.h"

namespace zoo {

/// The progress of a run.
struct Progress {
  int64_t step = 0;  ///< updates done
  double elapsed_s = 0.0;
  BestEvaluation best = {};
  int64_t evaluated_step = -1;  ///< of the last evaluation; -1: none yet
  /// Set if the evaluation at this step was not scheduled, but made because the run ended here: the
  /// best evaluation without it, with which a resumed run continues.
  std::optional<BestEvaluation> scheduled_best = {};
  std::string data_state = {};
  std::string data_fingerprint = {};  ///< of the training data; empty: not known
  int64_t skipped_batches = 0;        ///< micro-batches so far without a target
  /// The checkpoint that this one replaces, because an uninterrupted run would not have it.
  std::optional<int64_t> replaces = {};
  std::optional<int64_t> metrics_lines = {};  ///< of metrics.jsonl when this was written
  int64_t threads = 0;                        ///< that computed the last update; 0: not known
  std::string device = {};                    ///< that did
};

/// optimizer_state: AdamW::whole_state(). Writes folder/trainer_state/: tensors.safetensors,
/// progress.json and the manifest of the whole folder. If there is an average, the checkpoint's
/// model.safetensors holds the average, and the module's own weights are written here.
void save_trainer_state(const std::filesystem::path& folder, const Progress& progress,
                        const std::map<std::string, torch::Tensor>& optimizer_state,
                        const LossScaler& scaler, const WeightAverage& average,
                        const torch::nn::Module& module,
                        const std::map<std::string, torch::Tensor>& carried = {});

/// Returns the checkpoint's progress. Throws DamagedCheckpoint if the step is not that of the
/// folder's name, or the files differ from the manifest. Call it before reading anything else from
/// the folder.
Progress check_checkpoint(const std::filesystem::path& folder, int64_t step);

/// Restores everything else, and torch's default generators. Returns what the task carries from
/// batch to batch. Throws DamagedCheckpoint, before it changes anything, if a tensor is missing,
/// unexpected, or of another type or shape than in this run.
std::map<std::string, torch::Tensor> load_trainer_state(const std::filesystem::path& folder,
                                                        AdamW& optimizer, LossScaler& scaler,
                                                        WeightAverage& average,
                                                        torch::nn::Module& module);

}  // namespace zoo
