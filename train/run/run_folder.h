// A run folder: where a run keeps its checkpoints, and how it stays readable whatever happens.
//
//   checkpoints/step-000250/   a checkpoint that Python opens, with trainer_state/
//   last, best                 relative links to checkpoints
//   config.json, ...           relative links into best/ (last/ where nothing is validated)
//   run.toml                   the effective configuration
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

/// Which checkpoints stay when a new one was written; the best and the last always do.
struct Retention {
  int64_t newest = 3;
  std::optional<int64_t> spare = {};    ///< stays as well
  std::optional<int64_t> discard = {};  ///< goes, and does not count as one of the newest
};

class RunFolder {
 public:
  explicit RunFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Throws std::runtime_error unless there is nothing, an empty folder, or what a run left that
  /// ended before its first checkpoint.
  void require_free() const;
  /// Makes the folder, empty of what such a run left. Throws as require_free() does.
  void create() const;
  /// Made by create(), and no run began in it yet: data may lie there, but no configuration.
  bool holds_new_run() const;
  /// For this process alone. Throws std::runtime_error where another one holds it.
  HeldFolder lock() const;
  /// The newest complete checkpoint, whatever `last` points at: a run may have been killed before
  /// it could move the link. Throw std::runtime_error where there is none to go on from.
  std::filesystem::path last() const;
  int64_t last_step() const;
  /// Writes checkpoints/step-N through `fill`, points `last` (and `best`) at it and removes old
  /// ones.
  void save_checkpoint(int64_t step, bool is_best, const Retention& retention,
                       const std::function<void(const std::filesystem::path&)>& fill) const;
  /// After a run that was killed: removes the temporary files that it left, and points `last` at
  /// last(). To be called with the lock held.
  void mend() const;
  /// Removes old checkpoints.
  void prune(const Retention& retention) const;
  /// Points `best` at that step's checkpoint; removes the link where there is none (-1).
  void point_best_at(int64_t step) const;
  /// Points the links at the root to what lies in best/, or in last/ where there is no best.
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

/// A checkpoint folder for reading weights: `folder` itself, or of a run folder without links at
/// its root `best`, `last` or the newest checkpoint.
std::filesystem::path checkpoint_of(const std::filesystem::path& folder);

/// The run that a folder belongs to: the folder itself, or the one that it is a checkpoint of;
/// nothing for a checkpoint from elsewhere.
std::optional<std::filesystem::path> run_of(const std::filesystem::path& folder);

}  // namespace zoo
