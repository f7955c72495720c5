// The base class of training programs: a family defines its options, data and objectives; the
// shared steps run in the same order for all. train/gpt/gpt_training.cpp is an example.
#pragma once
#include <torch/nn/module.h>

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
#include "train/loop/processes.h"
#include "train/program/model_memory.h"
#include "train/program/objective.h"
#include "train/program/tokenizer_choice.h"
#include "train/program/train_command.h"

namespace CLI {
class App;
}

namespace zoo {

/// Shown when a run begins and in its report: {"parameters", "0.80 M"}.
using Facts = std::vector<std::pair<std::string, std::string>>;

/// The attention that a model trains with.
struct AttentionUse {
  std::string kernel;
  bool causal = false;
  double dropout = 0.0;
  bool trains_bias = false;  ///< a dense bias gets a gradient: position scheme transformer-xl
};

/// A program's description, and which of the shared options it has.
struct TrainingInfo {
  std::string family;       ///< "gpt": the program is train_gpt, new runs go to runs/gpt-1, ...
  std::string description;  ///< for --help
  std::optional<TokenizerOptions> tokenizer = {};  ///< of families that read text
  std::string objective_alias = {};                ///< an older name of --objective
  std::vector<std::string> examples = {};          ///< commands that --help begins with
};

/// The module in the result of Training::build(): a module holder, or a pointer to a module.
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
  const std::vector<std::string>& examples() const { return info_.examples; }
  const TrainOptions& options() const { return train_; }

  /// Before resolve(): torchrun, mpirun, srun or --processes has started so many.
  void set_process_count(int64_t count) { process_count_ = count; }
  /// Before prepare(): these have met.
  void share_with(Processes& processes) { processes_ = &processes; }

  // In the order in which run_training() calls them.

  /// Adds the family's, the trainer's and the shared options.
  void declare(CLI::App& app);
  /// Sets the model's options to a published size; throws std::invalid_argument for an unknown one.
  virtual void apply_preset(const std::string& preset) = 0;
  /// After parsing: checks the options by themselves, and settles those that depend on a
  /// checkpoint. Throws UsageError.
  void resolve(const TrainCommand& command);
  /// For a new run, before it has a folder: reads inputs that may be missing or wrong.
  void prepare();
  /// Reads the data and builds a model on its device. `new_run`: see Objective::make_task.
  std::unique_ptr<Task> make_task(const std::filesystem::path& new_run);
  /// After make_task().
  const Facts& facts() const { return facts_; }
  /// After make_task(): a function that writes the first update's gradients to a safetensors file.
  std::function<void(torch::nn::Module&, double)> gradient_dump(
      const std::filesystem::path& file) const;

 protected:
  // To be implemented by a family.

  /// The options of its model and its data.
  virtual void declare_options(CLI::App& app) = 0;
  /// Its objectives; the first row is the default.
  virtual std::vector<Objective> objectives() = 0;
  /// Throws std::invalid_argument for values of the family's options that are out of range.
  virtual void check_options() const = 0;
  virtual std::vector<AttentionUse> attention() const = 0;
  /// The objective that other options imply, if --objective has its default.
  virtual std::string implied_objective() const { return {}; }
  /// The option that says how much a micro-batch holds, of one process.
  virtual int64_t& batch() = 0;
  /// Interactions of options: notes, refusals, derived values.
  virtual void settle_options() {}
  /// Takes the model's options from a checkpoint (take_shape()).
  virtual void take_model(const std::filesystem::path& folder) = 0;
  /// Throws std::invalid_argument or c10::Error for an impossible model, or one that cannot learn
  /// the objective.
  virtual void check_model() = 0;
  /// The model's cost, before the vocabulary is known.
  virtual ModelCost cost() const = 0;
  /// The parameters' names in checkpoints.
  virtual NameMap names_on_disk() const = 0;

  // Helpers for a family.

  const TrainCommand& command() const { return command_; }
  const Objective& objective() const;
  TokenizerOptions& tokenizer_options() { return *info_.tokenizer; }
  const TokenizerOptions& tokenizer_options() const { return *info_.tokenizer; }

  /// Those that share each batch; make_task() multiplies batch() by their number.
  Processes& processes() const { return *processes_; }
  /// Work on files that all processes use afterwards: the first one does it.
  template <class Work>
  void in_first_process(Work&& work) const {
    if (processes().rank() == 0) work();
    processes().any(false);  // wait
  }

  /// A model on its device: with weights drawn from the seed by `make()`, or with those of the
  /// checkpoint, which `load(model, folder)` reads.
  template <class Make, class Load>
  auto build(Make&& make, Load&& load) const {
    const torch::Device device = seed_weights();
    auto model = make();
    if (const auto folder = command_.weights()) load(model, *folder);
    module_of(model).to(device);
    return model;
  }

  /// Adds the facts of every run. `layout_note`: why Python cannot open the checkpoints.
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
  void settle_processes();

  TrainingInfo info_;
  std::vector<Objective> objectives_;
  std::string objective_;
  int64_t process_count_ = 1;
  Processes* processes_ = &single_process();
  TrainCommand command_;
  Facts facts_;
};

/// main() of a training program. Throws UsageError and std::runtime_error for run_app to print.
int run_training(Training& training, int argc, const char* const* argv);

}  // namespace zoo
