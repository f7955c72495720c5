#include "train/command_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "app/cli.h"
#include "app/run_app.h"
#include "train/run_folder.h"
#include "train/trainer.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

constexpr std::array<std::string_view, 7> kMayChangeOnResume = {
    "resume", "max-steps", "threads", "device", "evaluate-every", "log-every", "save-every"};

void check_resume(const std::vector<std::string>& given) {
  for (const std::string& flag : given) {
    if (std::find(kMayChangeOnResume.begin(), kMayChangeOnResume.end(), flag) ==
        kMayChangeOnResume.end()) {
      throw UsageError(fmt::format(
          "--{} does not go with --resume: a continued run keeps its configuration; only {} "
          "may change. To start from its weights use --init-from",
          flag, "--max-steps, --threads, --device, --evaluate-every, --log-every, --save-every"));
    }
  }
}

void check_together(const TrainCommand& command) {
  if (!command.init_from.empty() + !command.resume.empty() + !command.evaluate_only.empty() > 1) {
    throw UsageError("--resume, --init-from and --evaluate-only exclude each other");
  }
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
  app.add_option("--preset", command.preset,
                 "Start from a published size, then apply the other options")
      ->group("Model")
      ->configurable(true);
  program.declare(app);
  std::vector<const char*> argv;
  for (const auto& argument : arguments) argv.push_back(argument.c_str());
  parse(app, static_cast<int>(argv.size()), argv.data());
  check_together(command);
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
  if (!command.resume.empty()) check_resume(given_flags(argc, argv));

  const fs::path run = !command.resume.empty() ? command.resume : command.evaluate_only;
  const auto given = given_flags(argc, argv);
  const bool has_config = std::find(given.begin(), given.end(), "config") != given.end();
  if (!command.resume.empty())
    RunFolder(run).last();  // one clear error for a folder that is no run
  if (!run.empty() && !has_config && fs::exists(run / "run.toml")) {
    arguments.insert(arguments.begin() + 1, {"--config", (run / "run.toml").string()});
    command = {};
    parse_once(first, command, arguments);
  }
  const std::string preset = command.preset;
  if (!preset.empty()) program.apply_preset(preset);
  command = {};
  parse_once(program, command, arguments);
  return command;
}

NewRunFolder::NewRunFolder(const TrainCommand& command, const std::string& family)
    : path_(command.out) {
  for (int n = 1; path_.empty() || (command.out.empty() && fs::exists(path_)); ++n) {
    path_ = fs::path("runs") / fmt::format("{}-{}", family, n);
  }
  RunFolder(path_).create();
}

NewRunFolder::~NewRunFolder() {
  if (kept_) return;
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void print_result(const std::string& program, const fs::path& folder, const TrainResult& result) {
  fmt::print("\n{}\n", result.verdict.sentence);
  fmt::print("run folder  {}\nreport      {}\n", folder.string(),
             (folder / "report.html").string());
  if (result.interrupted) fmt::print("to go on    {} --resume {}\n", program, folder.string());
}

}  // namespace zoo
