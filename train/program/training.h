// A training program: what a family of models states about itself, and what happens around it in
// the same order for all. train/gpt/gpt_training.cpp shows a family from top to bottom.
#pragma once
#include <torch/nn/module.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "models/device.h"
#include "models/pretrained/format/name_map.h"
#include "tokenizers/tokenizer.h"
#include "train/loop/options.h"
#include "train/program/model_memory.h"
#include "train/program/objective.h"
#include "train/program/tokenizer_choice.h"
#include "train/program/train_command.h"

namespace zoo {

/// Shown when a run begins and in its report: {"parameters", "0.80 M"}.
using Facts = std::vector<std::pair<std::string, std::string>>;

/// Attention that a model will train with.
struct AttentionUse {
  std::string kernel;
  bool causal = false;
  double dropout = 0.0;
};

/// A program in words, and which of the shared options it has.
struct TrainingInfo {
  std::string family;       ///< "gpt": the program is train_gpt, new runs go to runs/gpt-1, ...
  std::string description;  ///< for --help
  std::optional<TokenizerOptions> tokenizer = {};  ///< of families that read text
  std::string objective_alias = {};                ///< an older name of --objective
};

/// The module in what Training::build() makes: a module holder, or a pointer to a module.
template <class Model>
torch::nn::Module& module_of(Model& model) {
  return *model;
}

class Training {
 public:
  explicit Training(TrainingInfo info);
  virtual ~Training() = default;
  Training(const Training&) = delete;
  Training& operator=(const Training&) = delete;

  const std::string& family() const { return info_.family; }
  const std::string& description() const { return info_.description; }
  const TrainOptions& options() const { return train_; }

  // In the order in which run_training() calls them.

  /// Adds the family's, the trainer's and the shared options.
  void declare(CLI::App& app);
  /// Sets the model's options to a published size; throws std::invalid_argument for an unknown one.
  virtual void apply_preset(const std::string& preset) = 0;
  /// Everything is parsed: checks what the options alone can get wrong, and settles what depends on
  /// a checkpoint. Throws UsageError.
  void resolve(const TrainCommand& command);
  /// Of a new run, before it has a folder: reads what may be missing or wrong.
  void prepare();
  /// Data, and a model on its device. `new_run`: see Objective::make_task.
  std::unique_ptr<Task> make_task(const std::filesystem::path& new_run);
  /// After make_task().
  const Facts& facts() const { return facts_; }
  /// After make_task(): writes the first update's gradients to a safetensors file.
  std::function<void(torch::nn::Module&, double)> gradient_dump(
      const std::filesystem::path& file) const;

 protected:
  // What a family states.

  /// The options of its model and its data.
  virtual void declare_options(CLI::App& app) = 0;
  /// What it can learn; the first row is the default.
  virtual std::vector<Objective> objectives() = 0;
  /// Throws std::invalid_argument for values of the family's options that are out of range.
  virtual void check_options() const = 0;
  virtual std::vector<AttentionUse> attention() const = 0;
  /// An objective that other options imply, where --objective has its default.
  virtual std::string implied_objective() const { return {}; }
  /// What options say about each other: notes, refusals, values that follow.
  virtual void settle_options() {}
  /// Takes the model's options from a checkpoint (take_shape()).
  virtual void take_model(const std::filesystem::path& folder) = 0;
  /// Throws std::invalid_argument or c10::Error for a model that cannot be, or not learn this.
  virtual void check_model() = 0;
  /// What the model takes, before the vocabulary is known.
  virtual ModelCost cost() const = 0;
  /// The parameters' names in checkpoints.
  virtual NameMap names_on_disk() const = 0;

  // What a family may ask.

  const TrainCommand& command() const { return command_; }
  const Objective& objective() const;
  TokenizerOptions& tokenizer_options() { return *info_.tokenizer; }
  const TokenizerOptions& tokenizer_options() const { return *info_.tokenizer; }

  /// A model on its device: weights drawn from the seed by `make()`, or those of the checkpoint,
  /// which `load(model, folder)` reads.
  template <class Make, class Load>
  auto build(Make&& make, Load&& load) const {
    const torch::Device device = seed_weights();
    auto model = make();
    if (const auto folder = command_.weights()) load(model, *folder);
    module_of(model).to(device);
    return model;
  }

  /// The facts that every run has. `layout_note`: why Python will not open the checkpoints.
  void describe(const torch::nn::Module& model, const std::string& training,
                const std::string& validation, const std::string& layout_note = {});
  void add_fact(const std::string& name, const std::string& value) {
    facts_.emplace_back(name, value);
  }

  TrainOptions train_;
  std::shared_ptr<const Tokenizer> tokenizer_;  // made by prepare(), or from the checkpoint

 private:
  torch::Device seed_weights() const;
  void check_alone() const;

  TrainingInfo info_;
  std::vector<Objective> objectives_;
  std::string objective_;
  TrainCommand command_;
  Facts facts_;
};

/// main() of a training program. Throws UsageError and std::runtime_error for run_app to print.
int run_training(Training& training, int argc, const char* const* argv);

}  // namespace zoo
