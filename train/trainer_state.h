// What a checkpoint holds besides the model so that a resumed run is the run: optimizer, random
// state, place in the data, averages, best result, time spent.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "train/optimizer.h"
#include "train/precision.h"
#include "train/weight_average.h"

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
};

/// Writes folder/trainer_state/: tensors.safetensors and progress.json. Where an average is kept,
/// the checkpoint's model.safetensors holds the average, and the module's own weights are written
/// here.
void save_trainer_state(const std::filesystem::path& folder, const Progress& progress,
                        const AdamW& optimizer, const LossScaler& scaler,
                        const WeightAverage& average, const torch::nn::Module& module);

/// Throws std::runtime_error where something is missing or does not fit. Also restores torch's
/// default generators.
Progress load_trainer_state(const std::filesystem::path& folder, AdamW& optimizer,
                            LossScaler& scaler, WeightAverage& average, torch::nn::Module& module);

/// The message for a state file that cannot be used: which, why, what to do.
std::string damaged_state(const std::filesystem::path& path, const std::string& what);

}  // namespace zoo
