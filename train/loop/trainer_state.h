// What a checkpoint holds besides the model so that a resumed run is the run: optimizer, random
// state, place in the data, averages, best result, time spent. Nothing may be missing or left over:
// a run that goes on without it would be another run.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "train/loop/optimizer.h"
#include "train/loop/precision.h"
#include "train/loop/weight_average.h"

namespace zoo {

/// What the evaluations so far amount to.
struct Standing {
  std::optional<double> best;  ///< of the goal's metric
  int64_t best_step = 0;
  int64_t evaluations_since_best = 0;
};

struct Progress {
  int64_t step = 0;  ///< updates done
  double elapsed_s = 0.0;
  Standing standing;
  int64_t evaluated_step = -1;  ///< of the last evaluation; -1: none yet
  /// Where the evaluation at this step is not one of the schedule's, but was made because the run
  /// ended here: the standing without it, from which a run that goes on goes on.
  std::optional<Standing> scheduled;
  std::string data_state;
  int64_t passed_over = 0;  ///< micro-batches so far that held nothing to learn from
  /// The checkpoint that this one replaces: one that a run without stops would not have.
  std::optional<int64_t> replaces;
  std::optional<int64_t> metrics_lines;  ///< of metrics.jsonl when this was written
  int64_t threads = 0;                   ///< that computed the last update; 0: not known
  std::string device;                    ///< that did
};

/// Writes folder/trainer_state/: tensors.safetensors, progress.json and, of the whole folder, the
/// manifest. Where an average is kept, the checkpoint's model.safetensors holds the average, and
/// the module's own weights are written here.
void save_trainer_state(const std::filesystem::path& folder, const Progress& progress,
                        const AdamW& optimizer, const LossScaler& scaler,
                        const WeightAverage& average, const torch::nn::Module& module);

/// The checkpoint's progress, when the folder is found to hold all that it must: the step of its
/// name, and what its manifest lists. Throws DamagedCheckpoint. To be called
/// before anything is taken from the folder.
Progress check_checkpoint(const std::filesystem::path& folder, int64_t step);

/// Restores the rest, and torch's default generators. Throws DamagedCheckpoint where a tensor is
/// missing, left over, or of another type or shape than this run's, before anything is changed.
void load_trainer_state(const std::filesystem::path& folder, AdamW& optimizer, LossScaler& scaler,
                        WeightAverage& average, torch::nn::Module& module);

}  // namespace zoo
