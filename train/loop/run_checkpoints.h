// The checkpoints of one run: when they are written, which are kept, how a run resumes from one.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "train/loop/options.h"
#include "train/loop/task.h"
#include "train/loop/trainer_state.h"
#include "train/loop/update.h"
#include "train/run/run_folder.h"

namespace zoo {

/// What a run resumes with.
struct Resumed {
  Progress progress = {};
  /// The checkpoint's evaluation was made because the run ended there: metrics.jsonl forgets it.
  bool drop_evaluation = false;
  /// Why the run's numbers will not be those of a run without stops, to the last bit; else empty.
  std::string other_machine = {};
};

class RunCheckpoints {
 public:
  RunCheckpoints(Task& task, Updater& updater, const TrainOptions& options,
                 const std::filesystem::path& folder);

  /// Of a new run: makes its folder, unless that is done already.
  void create();
  /// Puts the newest checkpoint into the task, the updater and torch's generators. Throws
  /// DamagedCheckpoint, std::invalid_argument where the run is past options.max_steps already, and
  /// std::runtime_error where the training data is not what the run began with.
  Resumed resume();
  /// To be called before the first write: from then on the folder must stay where it is.
  void hold() { held_.emplace(folder_.path()); }
  /// Throws std::runtime_error where it was moved, removed or replaced.
  void require_in_place() const { held_->require_in_place(); }

  /// Writes the checkpoint of this step with everything that a resume needs, and removes old ones.
  /// Does nothing where the step's checkpoint is written already and is not the best.
  void save(const Progress& progress, bool is_best);
  /// The step's checkpoint is out of date: save() writes it again.
  void outdate() { saved_step_.reset(); }

  /// The task's model becomes the mean of the last `count` checkpoints. Returns how many there
  /// were.
  int64_t load_mean_of_last(int64_t count);
  /// The task's model as averaged/ beside the checkpoints.
  void save_average() const;
  /// Of the newest checkpoint, if there is one.
  std::optional<int64_t> newest_step() const;
  const RunFolder& folder() const { return folder_; }

 private:
  bool undo_unscheduled_evaluation(Progress& progress);
  Retention retention(const Progress& progress) const;

  Task& task_;
  Updater& updater_;
  TrainOptions options_;
  RunFolder folder_;
  std::string data_fingerprint_;
  std::optional<HeldFolder> held_ = {};
  std::optional<int64_t> saved_step_ = {};
  std::optional<int64_t> unscheduled_ = {};  // a checkpoint that a run without stops would not have
};

}  // namespace zoo
