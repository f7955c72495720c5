// A run folder: it holds a run's checkpoints and stays readable after a crash.
//
//   checkpoints/step-000250/   a checkpoint that Python opens, with trainer_state/
//   last, best                 relative links to checkpoints
//   config.json, ...           relative links into best/ (last/ where nothing is validated)
//   run.toml                   the effective configuration
//   run.json                   what judges the run, and whether it is done
//   metrics.jsonl, tensorboard/, report.html
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "train/run/held_folder.h"

namespace zoo {

/// Which checkpoints are kept after a new one is written; the best and the last always are.
struct Retention {
  int64_t newest = 3;
  std::optional<int64_t> spare = {};    ///< stays as well
  std::optional<int64_t> discard = {};  ///< goes, and does not count as one of the newest
};

class RunFolder {
 public:
  explicit RunFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Throws std::runtime_error unless the folder does not exist, is empty, or holds the remains of
  /// a run that ended before its first checkpoint.
  void require_free() const;
  /// Makes the folder, and removes such remains. Throws as require_free() does.
  void create() const;
  /// Whether create() made it and no run has begun in it yet: it may hold data, but no
  /// configuration.
  bool holds_new_run() const;
  /// Locks it for this process. Throws std::runtime_error if another process holds the lock.
  HeldFolder lock() const;
  /// The newest complete checkpoint, whatever `last` points to: a run may be killed before it moves
  /// the link. Throw std::runtime_error if there is none to resume from.
  std::filesystem::path last() const;
  int64_t last_step() const;
  /// Writes checkpoints/step-N through `fill`, points `last` (and `best`) at it and removes old
  /// ones.
  void save_checkpoint(int64_t step, bool is_best, const Retention& retention,
                       const std::function<void(const std::filesystem::path&)>& fill) const;
  /// Cleans up after a killed run: removes its temporary files, and points `last` to last(). Call
  /// it with the lock held.
  void mend() const;
  /// Removes old checkpoints.
  void prune(const Retention& retention) const;
  /// Points `best` to that step's checkpoint; removes the link for -1 (none).
  void point_best_at(int64_t step) const;
  /// Points the links in the run folder to the files in best/, or in last/ if there is no best.
  void link_root() const;
  /// Steps of the complete checkpoints, oldest first.
  std::vector<int64_t> checkpoint_steps() const;
  std::filesystem::path checkpoint(int64_t step) const;

  const std::filesystem::path& path() const { return folder_; }
  std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }

 private:
  bool abandoned() const;
  std::optional<int64_t> linked_step(const std::string& link) const;
  void remove_checkpoint(int64_t step) const;
  std::filesystem::path folder_;
};

/// A checkpoint folder for reading weights: `folder` itself; for a run folder without links at its
/// root, its `best`, `last` or newest checkpoint.
std::filesystem::path checkpoint_of(const std::filesystem::path& folder);

/// The run that a folder belongs to: the folder itself, or the run that it is a checkpoint of;
/// nothing for other checkpoints.
std::optional<std::filesystem::path> run_of(const std::filesystem::path& folder);

}  // namespace zoo
