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
#include <vector>

namespace zoo {

class RunFolder {
 public:
  explicit RunFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Makes the folder. Throws std::runtime_error where it exists and is not empty.
  void create() const;
  /// Made by create(), and no run began in it yet: data may lie there, but no configuration.
  bool holds_new_run() const;
  /// Throws std::runtime_error where there is no checkpoint to go on from.
  std::filesystem::path last() const;
  /// Writes checkpoints/step-N through `fill`, points `last` (and `best`) at it and removes old
  /// ones: the newest `keep` and the best stay.
  void save_checkpoint(int64_t step, bool is_best, int64_t keep,
                       const std::function<void(const std::filesystem::path&)>& fill) const;
  /// Points the links at the root to what lies in best/, or in last/ where there is no best.
  void link_root() const;
  /// Steps of the complete checkpoints, oldest first.
  std::vector<int64_t> checkpoint_steps() const;
  std::filesystem::path checkpoint(int64_t step) const;

  const std::filesystem::path& path() const { return folder_; }
  std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }

 private:
  std::optional<int64_t> linked_step(const std::string& link) const;
  void prune(int64_t keep) const;
  std::filesystem::path folder_;
};

/// A checkpoint folder for reading weights: `folder` itself, or `best` or `last` of a run folder
/// without root links.
std::filesystem::path checkpoint_of(const std::filesystem::path& folder);

}  // namespace zoo
