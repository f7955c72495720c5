// The folder of a new run.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "train/program/train_command.h"
#include "train/run/held_folder.h"

namespace zoo {

/// --out, or the next free runs/FAMILY-N. Where the run ends before its first checkpoint, the
/// folder is removed again, with the parent folders that were made for it. A folder that was there
/// before, empty, stays; so does one that somebody else put in its place.
class NewRunFolder {
 public:
  /// Throws std::runtime_error where the folder is in use; makes nothing yet.
  NewRunFolder(const TrainCommand& command, const std::string& family);
  ~NewRunFolder();
  NewRunFolder(const NewRunFolder&) = delete;
  NewRunFolder& operator=(const NewRunFolder&) = delete;
  /// Makes the folder and locks it for this process.
  void create();
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::filesystem::path first_made_;  // the uppermost folder that create() had to make, if any
  std::optional<HeldFolder> held_;
};

}  // namespace zoo
