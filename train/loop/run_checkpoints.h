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

/// The state that a run resumes with.
struct Resumed {
  Progress progress = {};
  /// The checkpoint's evaluation was made because the run ended there: drop it from metrics.jsonl.
  bool drop_evaluation = false;
  /// Why the results will not be bit-identical to those of an uninterrupted run; else empty.
  std::string other_machine = {};
};

/// Of several processes, the first one writes; all call the same functions in the same order.
class RunCheckpoints {
 public:
  RunCheckpoints(Task& task, Updater& updater, const TrainOptions& options,
                 const std::filesystem::path& folder);

  /// For a new run: makes its folder, unless it exists already.
  void create();
  /// Loads the newest checkpoint into the task, the updater and torch's generators. Throws
  /// DamagedCheckpoint, std::invalid_argument if the run is past options.max_steps already, and
  /// std::runtime_error if the training data has changed.
  Resumed resume();
  /// Call it before the first write: from then on the folder must not be moved or replaced.
  void hold();
  /// Throws std::runtime_error if it was moved, removed or replaced.
  void require_in_place() const;

  /// Writes the checkpoint of this step with everything that a resume needs, and removes old ones.
  /// Does nothing if the step's checkpoint exists already and is not the best.
  void save(const Progress& progress, bool is_best);
  /// Marks the step's checkpoint as outdated: save() writes it again.
  void outdate() { saved_step_.reset(); }

  /// Loads the mean of the last `count` checkpoints into the task's model. Returns the number of
  /// checkpoints found.
  int64_t load_mean_of_last(int64_t count);
  /// Saves the task's model as averaged/ beside the checkpoints.
  void save_average() const;
  /// The step of the newest checkpoint, if there is one.
  std::optional<int64_t> newest_step() const;
  const RunFolder& folder() const { return folder_; }

 private:
  bool leads() const { return task_.processes().rank() == 0; }
  NamedTensors whole_carried() const;
  void write(const Progress& progress, const NamedTensors& optimizer_state,
             const NamedTensors& carried, bool is_best);
  void mend(const Progress& progress);
  bool undo_unscheduled_evaluation(Progress& progress);
  Retention retention(const Progress& progress) const;

  Task& task_;
  Updater& updater_;
  TrainOptions options_;
  RunFolder folder_;
  std::string data_fingerprint_;
  std::optional<HeldFolder> held_ = {};
  std::optional<int64_t> saved_step_ = {};
  std::optional<int64_t> unscheduled_ = {};  // a checkpoint that an uninterrupted run lacks
};

}  // namespace zoo
