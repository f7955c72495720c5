#include "train/program/train_command.h"

#include <algorithm>

#include "train/run/run_folder.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

bool TrainCommand::has(std::string_view option) const { return contains(given, option); }

bool TrainCommand::changed(std::string_view option) const { return contains(given_other, option); }

fs::path TrainCommand::checkpoint() const {
  return resume.empty() ? checkpoint_of(source()) : RunFolder(resume).last();
}

std::optional<fs::path> TrainCommand::weights() const {
  if (!resume.empty() || source().empty()) return std::nullopt;
  return checkpoint_of(source());
}

}  // namespace zoo
