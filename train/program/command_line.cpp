// Several passes over one command line: what was asked for decides which recipe and which defaults
// the next pass begins with.
#include "train/program/command_line.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "app/cli.h"
#include "app/recipe.h"
#include "app/recipe_files.h"
#include "base/usage_error.h"
#include "train/program/training.h"
#include "train/run/run_folder.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

constexpr std::array<std::string_view, 7> kMayChangeOnResume = {
    "max-steps", "threads", "processes", "device", "evaluate-every", "log-every", "save-every"};

void check_resume(const TrainCommand& command) {
  for (const std::string& option : command.given) {
    const auto& free = kMayChangeOnResume;
    if (option == "resume" || std::find(free.begin(), free.end(), option) != free.end()) continue;
    throw UsageError(
        fmt::format("--{} does not go with --resume: a continued run keeps its configuration; only "
                    "--{} may change. To start from its weights use --init-from",
                    option, fmt::join(free, ", --")));
  }
  RunFolder(command.resume).last();  // one clear error for a folder that is no run
  if (!fs::exists(fs::path(command.resume) / "run.toml")) {
    throw std::runtime_error(fmt::format(
        "'{0}' has no run.toml: the configuration to go on with is unknown; start a new "
        "run from its weights with --init-from {0}",
        command.resume));
  }
}

void check_together(const TrainCommand& command) {
  if (command.needs_init_from.value_or(false) && command.source().empty()) {
    throw UsageError(
        "this recipe fine-tunes a trained model: name the model's folder with --init-from");
  }
  if (!command.init_from.empty() + !command.resume.empty() + !command.evaluate_only.empty() > 1) {
    throw UsageError("--resume, --init-from and --evaluate-only exclude each other");
  }
  for (const auto& [flag, value] : {std::pair("--dump-gradients", command.dump_gradients),
                                    std::pair("--dump-batches", command.dump_batches)}) {
    if (command.evaluate_only.empty() || value.empty()) continue;
    throw UsageError(
        fmt::format("{} does not go with --evaluate-only, which makes no update; use --init-from "
                    "and --max-steps 1",
                    flag));
  }
}

std::vector<std::string> given_options(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options({})) {
    if (option->count() > 0 && !option->get_lnames().empty())
      names.push_back(option->get_lnames().front());
  }
  return names;
}

/// Every option's value, as a recipe writes it.
using Values = std::map<std::string, std::optional<std::string>>;

Values values_of(CLI::App& app) {
  Values values;
  for (const CLI::Option* option : app.get_options({})) {
    if (!option->get_lnames().empty())
      values[option->get_lnames().front()] = recipe_format(app).value_of(*option);
  }
  return values;
}

/// The lines of a configuration, in order, of options that were not `chosen` as the defaults are.
std::string differing_lines(const std::string& config, const Values& chosen,
                            const Values& defaults) {
  std::istringstream lines(config);
  std::string differing;
  for (std::string line; std::getline(lines, line);) {
    const size_t equals = line.find(" = ");
    if (line.starts_with('#') || equals == std::string::npos) continue;
    const std::string name = line.substr(0, equals);
    if (!chosen.contains(name) || chosen.at(name) != defaults.at(name)) differing += line + "\n";
  }
  return differing;
}

void declare_run(CLI::App& app, TrainCommand& command) {
  const auto plain = [&](const char* flag, std::string& field, const char* help) {
    app.add_option(flag, field, help)->group("Run")->configurable(false);
  };
  plain("--out", command.out, "Folder of the new run (default: the next free runs/NAME-N)");
  plain("--resume", command.resume, "Go on with the run in this folder");
  plain("--init-from", command.init_from,
        "Start from the weights in this checkpoint or run folder");
  plain("--evaluate-only", command.evaluate_only,
        "Evaluate the model in this checkpoint or run folder, and stop");
  plain("--dump-gradients", command.dump_gradients,
        "Write the first update's gradients to this safetensors file");
  plain("--dump-batches", command.dump_batches,
        "Write every training batch to safetensors files in this new folder");
  // run_training() has taken these already, unless they come with --help.
  const auto of_sweep = [&](const char* flag, const char* type, const char* help) {
    app.add_option_function<std::string>(
           flag, [](const std::string&) {}, help)
        ->type_name(type)
        ->group("Sweep")
        ->configurable(false);
  };
  of_sweep("--sweep", "TEXT",
           "Train every combination, each in a folder of its own in --out, and compare them: "
           "\"position=none,rotary norm=layer,rms\"; the same command goes on where it stopped");
  of_sweep("--seeds", "INT", "Train each of them with this many seeds, from --seed on");
  of_sweep("--scale", "TEXT",
           "Train sizes, fit a power law to all but the largest and predict that one: "
           "\"d-model=32,48,64,96\"");
  add_option(app, "Run", "needs-init-from", command.needs_init_from,
             "In recipes: a trained model to start from must be named with --init-from");
  app.add_option("--preset", command.preset,
                 "Start from a published size, then apply the other options")
      ->group("Model")
      ->configurable(true);
}

/// "tiny, gpt2", for --help alone: from the error for a name that no family has.
std::string preset_names(Training& training) {
  try {
    training.apply_preset("?");
  } catch (const std::invalid_argument& error) {
    const std::string what = error.what();
    constexpr std::string_view kKnown = "known are: ";
    const size_t at = what.find(kKnown);
    if (at != std::string::npos) return what.substr(at + kKnown.size());
  }
  return "any";
}

/// What most users need, of all programs.
const std::vector<std::string> kListed = {"config",
                                          "out",
                                          "sweep",
                                          "seeds",
                                          "resume",
                                          "init-from",
                                          "evaluate-only",
                                          "preset",
                                          "architecture",
                                          "family",
                                          "image-tower",
                                          "context",
                                          "layers",
                                          "encoder-layers",
                                          "decoder-layers",
                                          "text-layers",
                                          "d-model",
                                          "heads",
                                          "position",
                                          "dropout",
                                          "image-size",
                                          "patch-size",
                                          "task",
                                          "data",
                                          "validation-data",
                                          "source",
                                          "target",
                                          "tokenizer",
                                          "vocab-size",
                                          "batch-size",
                                          "batch-tokens",
                                          "objective",
                                          "max-steps",
                                          "learning-rate",
                                          "warmup-steps",
                                          "schedule-steps",
                                          "evaluate-every",
                                          "seed",
                                          "threads",
                                          "processes",
                                          "device"};

void declare_help(CLI::App& app, Training& training) {
  const std::string program = "train_" + training.family();
  set_help(app, training.examples(), kListed);
  app.footer([program, &training] {
    return fmt::format("Recipes (--config NAME): {}\nPresets (--preset NAME): {}",
                       fmt::join(recipes_of(program), ", "), preset_names(training));
  });
}

/// "gpt-shakespeare-cpu" of train/recipes/gpt-shakespeare-cpu.toml; of any run's run.toml the path.
std::string recipe_name(CLI::App& app) {
  const auto files = app.get_config_ptr()->results();
  if (files.empty()) return "";
  const fs::path file = files.back();
  return file.filename() == "run.toml" ? file.generic_string() : file.stem().string();
}

/// The passes over one command line. Each reads on top of what the one before found out: which
/// recipe and which preset to begin with.
class Passes {
 public:
  Passes(Training& training, int argc, const char* const* argv)
      : training_(training), arguments_(argv, argv + argc) {}

  /// Nothing is resolved.
  TrainCommand look() { return pass({}); }
  /// With the training's options resolved.
  TrainCommand resolve() {
    return pass([&](TrainCommand& command) { training_.resolve(command); });
  }
  void begin_with_recipe(const fs::path& file) {
    arguments_.insert(arguments_.begin() + 1, {"--config", file.string()});
  }

 private:
  TrainCommand pass(const std::function<void(TrainCommand&)>& resolve);

  Training& training_;
  std::vector<std::string> arguments_;
  std::optional<std::vector<std::string>> given_;  // the first pass sees what the user named
  Values defaults_;
};

TrainCommand Passes::pass(const std::function<void(TrainCommand&)>& resolve) {
  TrainCommand command;
  CLI::App app{training_.description(), "train_" + training_.family()};
  add_config_option(app);
  declare_run(app, command);
  declare_help(app, training_);
  training_.declare(app);
  if (!given_) defaults_ = values_of(app);
  std::vector<const char*> argv;
  for (const auto& argument : arguments_) argv.push_back(argument.c_str());
  parse(app, static_cast<int>(argv.size()), argv.data());
  check_together(command);
  command.recipe = recipe_name(app);
  if (!given_) given_ = given_options(app);
  command.given = *given_;
  if (command.resume.empty() && command.evaluate_only.empty()) {
    const Values values = values_of(app);
    for (const auto& name : *given_)
      if (values.at(name) != defaults_.at(name)) command.given_other.push_back(name);
  }
  const Values chosen = values_of(app);  // before what follows from them is filled in
  if (resolve) resolve(command);
  command.config_text = effective_config(app);
  command.differing_text = differing_lines(command.config_text, chosen, defaults_);
  return command;
}

}  // namespace

TrainCommand parse_train_command(Training& training, int argc, const char* const* argv) {
  Passes passes(training, argc, argv);
  TrainCommand command = passes.look();
  if (!command.resume.empty()) check_resume(command);
  const std::string run_folder = command.resume.empty() ? command.evaluate_only : command.resume;
  const auto run = run_folder.empty() ? std::nullopt : run_of(run_folder);
  if (run && !command.has("config")) {
    passes.begin_with_recipe(*run / "run.toml");
    command = passes.look();
  }
  if (!command.preset.empty()) {
    try {
      training.apply_preset(command.preset);
    } catch (const std::invalid_argument& e) {
      throw UsageError(fmt::format("--preset: {}", e.what()));
    }
  }
  return passes.resolve();
}

}  // namespace zoo
