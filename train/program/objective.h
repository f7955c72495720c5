// The objectives of a family: a table with a row for each value of --objective.
#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "train/loop/trainer.h"
#include "train/program/train_command.h"

namespace zoo {

/// A row of the table. Optional members may be empty.
struct Objective {
  std::string_view name;  ///< of --objective
  std::string_view what;  ///< for --help
  /// The options that this objective uses and at least one other objective of the family does not.
  std::vector<std::string_view> options = {};
  /// "validation-share above 0": what to set if there is no validation data; empty if there is.
  std::function<std::string()> lacks_validation = {};
  /// Checks that options are compatible, after all are settled. Throws std::invalid_argument.
  std::function<void()> check = {};
  /// For a new run, before it has a folder: reads inputs that may be missing or wrong.
  std::function<void()> prepare = {};
  /// Reads the data and builds the model. `new_run`: the folder of a new run, for encoded data;
  /// empty for a resumed run and for a checkpoint to evaluate.
  std::function<std::unique_ptr<Task>(const std::filesystem::path& new_run)> make_task;
};

/// For --help: what each objective learns.
std::string objective_help(const std::vector<Objective>& table);

/// Throws UsageError if the user changed an option that only other objectives use.
void refuse_other_objectives(const std::vector<Objective>& table, const Objective& chosen,
                             const TrainCommand& command);

}  // namespace zoo
