// The command line that all training programs share: recipes, presets, --resume, --init-from,
// --evaluate-only.
#pragma once
#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "train/loop/options.h"
#include "train/run/run_folder.h"

namespace zoo {

/// What a training program was asked to do, besides the options of its family.
struct TrainCommand {
  std::string out;            ///< run folder of a new run
  std::string resume;         ///< run folder to go on with
  std::string init_from;      ///< checkpoint or run folder whose weights a new run starts from
  std::string evaluate_only;  ///< checkpoint or run folder to measure
  std::string preset;
  std::string dump_gradients;      ///< file for the first update's gradients
  std::string dump_batches;        ///< folder for the batches of all updates
  std::string config_text;         ///< the effective configuration, as --config reads it
  std::vector<std::string> given;  ///< options that the user named, as flags or in a recipe

  bool has(std::string_view option) const;  ///< among `given`

  /// The folder that the model comes from; empty for a new one.
  std::string source() const {
    return !resume.empty() ? resume : !init_from.empty() ? init_from : evaluate_only;
  }
};

/// How a family takes part.
struct TrainProgram {
  std::string family;                      ///< "gpt": new runs go to runs/gpt-1, runs/gpt-2, ...
  std::string description;                 ///< for --help
  std::function<void(CLI::App&)> declare;  ///< adds the family's and the trainer's options
  /// Sets the family's options to a published size; throws std::invalid_argument for others.
  std::function<void(const std::string&)> apply_preset;
  /// Called with everything parsed, before the configuration is printed: resolves what depends on a
  /// checkpoint.
  std::function<void(TrainCommand&)> resolve = {};
};

/// Parses. The configuration is that of the recipe (--config), or of the run to be continued or
/// measured, changed by the flags. Throws UsageError where --resume comes with a change that would
/// make it another run.
TrainCommand parse_train_command(const TrainProgram& program, int argc, const char* const* argv);

/// A new run's folder: --out, or the next free runs/FAMILY-N. One whose run ends before its first
/// checkpoint goes again, with the folders above it that were made for it; one that was there,
/// empty, stays, and so does one that somebody else put in its place.
class NewRunFolder {
 public:
  /// Throws std::runtime_error where the folder is in use; makes nothing yet.
  NewRunFolder(const TrainCommand& command, const std::string& family);
  ~NewRunFolder();
  NewRunFolder(const NewRunFolder&) = delete;
  NewRunFolder& operator=(const NewRunFolder&) = delete;
  /// Makes the folder, for this process alone.
  void create();
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::filesystem::path first_made_;  // the uppermost folder that create() had to make, if any
  std::optional<HeldFolder> held_;
};

/// Prints the run's result: verdict, where to look, how to go on. Returns the program's exit code:
/// kInterrupted for a run that a signal stopped, though it is saved and can go on.
int print_result(const std::string& program, const std::filesystem::path& folder,
                 const struct TrainResult& result);

}  // namespace zoo
