// Several passes over one command line: what was asked for decides which recipe and which defaults
// the next pass begins with.
#include "train/program/command_line.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

#include "app/cli.h"
#include "base/interrupt.h"
#include "base/usage_error.h"
#include "train/loop/trainer.h"
#include "train/run/run_folder.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

constexpr std::array<std::string_view, 6> kMayChangeOnResume = {
    "max-steps", "threads", "device", "evaluate-every", "log-every", "save-every"};

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

/// One pass over the arguments.
void parse_once(const TrainProgram& program, TrainCommand& command,
                const std::vector<std::string>& arguments) {
  CLI::App app{program.description};
  add_config_option(app);
  const auto plain = [&](const char* flag, std::string& field, const char* help) {
    app.add_option(flag, field, help)->group("Run")->configurable(false);
  };
  plain("--out", command.out, "Folder of the new run (default: the next free runs/NAME-N)");
  plain("--resume", command.resume, "Go on with the run in this folder");
  plain("--init-from", command.init_from,
        "Start from the weights in this checkpoint or run folder");
  plain("--evaluate-only", command.evaluate_only,
        "Measure the model in this checkpoint or run folder, and stop");
  plain("--dump-gradients", command.dump_gradients,
        "Write the first update's gradients to this safetensors file");
  plain("--dump-batches", command.dump_batches,
        "Write every batch that is learnt from to safetensors files in this new folder");
  app.add_option("--preset", command.preset,
                 "Start from a published size, then apply the other options")
      ->group("Model")
      ->configurable(true);
  program.declare(app);
  std::vector<const char*> argv;
  for (const auto& argument : arguments) argv.push_back(argument.c_str());
  parse(app, static_cast<int>(argv.size()), argv.data());
  check_together(command);
  if (command.given.empty()) command.given = given_options(app);
  if (program.resolve) program.resolve(command);
  command.config_text = effective_config(app);
}

}  // namespace

TrainCommand parse_train_command(const TrainProgram& program, int argc, const char* const* argv) {
  std::vector<std::string> arguments(argv, argv + argc);
  TrainProgram first = program;  // finds out what the defaults are: nothing is resolved yet
  first.resolve = {};
  TrainCommand command;
  parse_once(first, command, arguments);
  if (!command.resume.empty()) check_resume(command);

  // The next passes read more: what the user named is what the first one found.
  const TrainCommand asked = command;
  const auto parse_again = [&](const TrainProgram& with) {
    command = {};
    command.given = asked.given;
    parse_once(with, command, arguments);
  };
  const std::string run_folder = !asked.resume.empty() ? asked.resume : asked.evaluate_only;
  const auto run = run_folder.empty() ? std::nullopt : run_of(run_folder);
  if (run && !asked.has("config")) {
    arguments.insert(arguments.begin() + 1, {"--config", (*run / "run.toml").string()});
    parse_again(first);
  }
  if (const std::string preset = command.preset; !preset.empty()) {
    try {
      program.apply_preset(preset);
    } catch (const std::invalid_argument& e) {
      throw UsageError(fmt::format("--preset: {}", e.what()));
    }
  }
  parse_again(program);
  return command;
}

bool TrainCommand::has(std::string_view option) const {
  return std::find(given.begin(), given.end(), option) != given.end();
}

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

int print_result(const std::string& program, const fs::path& folder, const TrainResult& result) {
  fmt::print("\n{}\n", result.verdict.sentence);
  fmt::print("run folder  {}\nreport      {}\n", folder.string(),
             (folder / "report.html").string());
  const auto go_on = [&](const std::string& more) {
    fmt::print("to go on    {} --resume {}{}\n", program, folder.string(), more);
  };
  if (result.interrupted) go_on("");
  if (result.updates == 0 && result.step > 0 && !result.stopped_early && !result.interrupted) {
    fmt::print("nothing done: the run is at step {} already, where it ends\n", result.step);
    go_on(" --max-steps N");
  }
  return result.interrupted ? kInterrupted : 0;
}

}  // namespace zoo
