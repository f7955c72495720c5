// Command line, run folder, data and model, training: in this order, so that what is wrong shows
// before anything is made.
#include "train/program/training.h"

#include <fmt/format.h>

#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/interrupt.h"
#include "base/note.h"
#include "base/printable.h"
#include "base/usage_error.h"
#include "train/loop/evaluation_mode.h"
#include "train/program/command_line.h"
#include "train/program/dumps.h"
#include "train/program/new_run_folder.h"
#include "train/program/sweep.h"
#include "train/program/training_console.h"
#include "train/run/run_folder.h"

namespace zoo {
namespace {

/// What is not as usual; a recipe, as --config reads it. `whole`: the file that has all of it; none
/// where nothing is trained.
void print(const TrainCommand& command, const std::string& program,
           const std::filesystem::path& whole) {
  const bool usual = command.differing_text.empty();
  fmt::print("# {}: {}{}\n{}\n", program,
             usual ? "every option has its default" : "options that differ from their defaults",
             whole.empty() ? "" : fmt::format("; all are in {}", whole.string()),
             command.differing_text);
  std::fflush(stdout);
}

void print(const Facts& facts) {
  for (const auto& [name, value] : facts) fmt::print("{:<11} {}\n", name, value);
  std::fflush(stdout);
}

int evaluate_only(Training& training, const TrainCommand& command) {
  print(command, "train_" + training.family(), {});
  const auto task = training.make_task({});
  print(training.facts());
  const EvaluationMode evaluating(task->model());
  const Metrics metrics = task->evaluate();
  if (metrics.empty() && task->validates())
    throw std::runtime_error(
        "--evaluate-only: the data holds nothing to measure: no target in it counts");
  if (metrics.empty())
    throw UsageError(
        fmt::format("--evaluate-only: nothing is left to measure with; name some with the options "
                    "that 'train_{} "
                    "--help' lists with 'validation' in their names",
                    training.family()));
  for (const auto& [name, value] : metrics) fmt::print("val {} {:.6g}\n", name, printable(value));
  return 0;
}

/// Prints the run's result: verdict, where to look, how to go on. Returns the program's exit code:
/// kInterrupted for a run that a signal stopped, though it is saved and can go on.
int print_result(const std::string& program, const std::filesystem::path& folder,
                 const TrainResult& result) {
  fmt::print("\n{}\n", result.verdict.sentence);
  fmt::print("run folder  {}\nreport      {}\n", folder.string(),
             (folder / "report.html").string());
  const auto go_on = [&](const std::string& more) {
    fmt::print("to go on    {} --resume {}{}\n", program, folder.string(), more);
  };
  if (result.interrupted) go_on("");
  if (result.updates == 0 && result.step > 0 && !result.stopped_early && !result.interrupted) {
    fmt::print("nothing to do: the run is at step {} already, where it ends\n", result.step);
    go_on(" --max-steps N");
  }
  return result.interrupted ? kInterrupted : 0;
}

int train(Training& training, const TrainCommand& command) {
  std::optional<NewRunFolder> fresh;
  if (command.resume.empty()) fresh.emplace(command, training.family());
  const std::string program = "train_" + training.family();
  const auto folder = fresh ? fresh->path() : std::filesystem::path(command.resume);
  print(command, program, folder / "run.toml");
  if (fresh) training.prepare();
  std::function<void(const NamedTensors&)> watch_batch;
  if (!command.dump_batches.empty()) watch_batch = dump_batches(command.dump_batches);
  const InterruptGuard interrupt;  // one for all: a signal while data is encoded counts as well
  Run run{.folder = folder,
          .program = program,
          .recipe = command.recipe,
          .config_text = command.config_text,
          .resume = !fresh,
          .starts_trained = !command.init_from.empty()};
  std::optional<HeldFolder> lock;
  if (fresh)
    fresh->create();
  else
    lock.emplace(RunFolder(run.folder).lock());
  const auto task = training.make_task(fresh ? run.folder : std::filesystem::path());
  task->watch_batch = std::move(watch_batch);
  run.facts = training.facts();
  if (!command.dump_gradients.empty())
    run.inspect_first_gradients = training.gradient_dump(command.dump_gradients);
  print(run.facts);
  TrainingConsole console;
  return print_result(program, run.folder, fit(*task, training.options(), run, console));
}

int run_one(Training& training, int argc, const char* const* argv) {
  const TrainCommand command = parse_train_command(training, argc, argv);
  try {
    return command.evaluate_only.empty() ? train(training, command)
                                         : evaluate_only(training, command);
  } catch (const Interrupted& e) {
    note(fmt::format("train_{}: {}", training.family(), e.what()));
    return kInterrupted;
  }
}

}  // namespace

int run_training(Training& training, int argc, const char* const* argv) {
  if (!is_sweep(argc, argv)) return run_one(training, argc, argv);
  return run_sweep(training, argc, argv, [&](const std::vector<std::string>& words) {
    std::vector<const char*> one;
    for (const std::string& word : words) one.push_back(word.c_str());
    return run_one(training, static_cast<int>(one.size()), one.data());
  });
}

}  // namespace zoo
