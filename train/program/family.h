// A training program: what a family brings, and what happens around it in the same order for all.
#pragma once
#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "train/loop/trainer.h"
#include "train/program/command_line.h"

namespace zoo {

/// Shown when a run begins and in its report: {"parameters", "0.80 M"}.
using Facts = std::vector<std::pair<std::string, std::string>>;

class Family {
 public:
  virtual ~Family() = default;
  virtual std::string name() const = 0;         ///< "gpt": the program is train_gpt
  virtual std::string description() const = 0;  ///< for --help
  /// Adds the family's and the trainer's options.
  virtual void declare(CLI::App& app) = 0;
  /// Sets the options to a published size; throws std::invalid_argument for an unknown one.
  virtual void apply_preset(const std::string& preset) = 0;
  /// Everything is parsed: checks what the options alone can get wrong, and settles what depends on
  /// a checkpoint. Throws UsageError.
  virtual void resolve(const TrainCommand& command) = 0;
  virtual const TrainOptions& train_options() const = 0;

  /// Of a new run, before it has a folder: reads what may be missing or wrong.
  virtual void prepare() {}
  /// Data, and a model on its device. `new_run`: the folder of a new run, which may keep encoded
  /// data there; empty for a run that goes on and for a checkpoint to measure, which
  /// command.source() names.
  virtual std::unique_ptr<Task> make_task(const TrainCommand& command,
                                          const std::filesystem::path& new_run) = 0;
  /// After make_task().
  virtual Facts facts() const = 0;
  /// Writes the gradients, under the names of the model's checkpoints, to a safetensors file.
  virtual std::function<void(torch::nn::Module&, double)> gradient_dump(
      const std::filesystem::path& file) const = 0;
};

/// main() of a training program. Throws UsageError and std::runtime_error for run_app to print.
int run_training(Family& family, int argc, const char* const* argv);

}  // namespace zoo
