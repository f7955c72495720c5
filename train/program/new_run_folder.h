// The folder of a new run.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "train/program/train_command.h"
#include "train/run/held_folder.h"

namespace zoo {

/// --out, or the next free runs/FAMILY-N. If the run ends before its first checkpoint, the folder
/// is removed again, together with parent folders made for it. An empty folder that existed before
/// is kept; so is one that has replaced it.
class NewRunFolder {
 public:
  /// Throws std::runtime_error if the folder holds something; does not make it yet.
  NewRunFolder(const TrainCommand& command, const std::string& family);
  ~NewRunFolder();
  NewRunFolder(const NewRunFolder&) = delete;
  NewRunFolder& operator=(const NewRunFolder&) = delete;
  /// Makes the folder and locks it for this process.
  void create();
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::filesystem::path first_made_;  // the topmost folder that create() made, if any
  std::optional<HeldFolder> held_;
};

}  // namespace zoo
