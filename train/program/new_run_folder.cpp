#include "train/program/new_run_folder.h"

#include <fmt/format.h>

#include <stdexcept>
#include <system_error>
#include <utility>

#include "train/run/run_folder.h"

namespace zoo {
namespace fs = std::filesystem;

NewRunFolder::NewRunFolder(const TrainCommand& command, const std::string& family)
    : path_(command.out) {
  for (int n = 1; path_.empty() || (command.out.empty() && fs::exists(path_)); ++n) {
    path_ = fs::path("runs") / fmt::format("{}-{}", family, n);
  }
  if (!path_.has_filename()) path_ = path_.parent_path();  // "runs/a/"
  RunFolder(path_).require_free();
}

void NewRunFolder::create() {
  fs::path missing;
  for (fs::path at = path_; !at.empty() && !fs::exists(at); at = at.parent_path()) missing = at;
  const RunFolder folder(path_);
  std::error_code error;
  fs::create_directories(path_, error);
  if (error)
    throw std::runtime_error(
        fmt::format("cannot make run folder '{}': {}", path_.string(), error.message()));
  first_made_ = missing;
  HeldFolder held = folder.lock();
  folder.create();
  held_.emplace(std::move(held));  // from here on the folder holds nothing but this run
}

NewRunFolder::~NewRunFolder() {
  if (!held_ || !held_->in_place() || !RunFolder(path_).checkpoint_steps().empty()) return;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(path_, error)) fs::remove_all(entry, error);
  if (first_made_.empty()) return;
  // Upwards: fs::remove refuses a folder in which something else lies by now.
  for (fs::path at = path_; fs::remove(at, error) && at != first_made_; at = at.parent_path()) {
  }
}

}  // namespace zoo
