// What a checkpoint holds besides the model so that a resumed run is the run: optimizer, random
// state, position in the data, averages, best result, time spent. Nothing may be missing or left
// over: a run resumed without it would be another run.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "train/loop/best_evaluation.h"
#include "train/loop/optimizer.h"
#include "train/loop/precision.h"
#include "train/loop/weight_average.h"

namespace zoo {

/// Where a run is.
struct Progress {
  int64_t step = 0;  ///< updates done
  double elapsed_s = 0.0;
  BestEvaluation best = {};
  int64_t evaluated_step = -1;  ///< of the last evaluation; -1: none yet
  /// Where the evaluation at this step is not one of the schedule's, but was made because the run
  /// ended here: the best one without it, with which a resumed run continues.
  std::optional<BestEvaluation> scheduled_best = {};
  std::string data_state = {};
  std::string data_fingerprint = {};  ///< of the training data; empty: not known
  int64_t skipped_batches = 0;        ///< micro-batches so far without a target
  /// The checkpoint that this one replaces: one that a run without stops would not have.
  std::optional<int64_t> replaces = {};
  std::optional<int64_t> metrics_lines = {};  ///< of metrics.jsonl when this was written
  int64_t threads = 0;                        ///< that computed the last update; 0: not known
  std::string device = {};                    ///< that did
};

/// Writes folder/trainer_state/: tensors.safetensors, progress.json and, of the whole folder, the
/// manifest. Where an average is kept, the checkpoint's model.safetensors holds the average, and
/// the module's own weights are written here.
void save_trainer_state(const std::filesystem::path& folder, const Progress& progress,
                        const AdamW& optimizer, const LossScaler& scaler,
                        const WeightAverage& average, const torch::nn::Module& module);

/// The checkpoint's progress. Throws DamagedCheckpoint unless the folder holds all that it must:
/// the step of its name, and what its manifest lists. To be called before anything is read from it.
Progress check_checkpoint(const std::filesystem::path& folder, int64_t step);

/// Restores the rest, and torch's default generators. Throws DamagedCheckpoint where a tensor is
/// missing, left over, or of another type or shape than this run's, before anything is changed.
void load_trainer_state(const std::filesystem::path& folder, AdamW& optimizer, LossScaler& scaler,
                        WeightAverage& average, torch::nn::Module& module);

}  // namespace zoo
