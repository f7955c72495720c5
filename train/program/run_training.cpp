// Command line, run folder, data and model, training: in this order, so that what is wrong shows
// before anything is made.
#include "train/program/training.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/interrupt.h"
#include "base/note.h"
#include "base/printable.h"
#include "base/streams.h"
#include "base/usage_error.h"
#include "train/loop/evaluation_mode.h"
#include "train/processes/agreement.h"
#include "train/processes/join.h"
#include "train/processes/launch.h"
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

/// Lines of a configuration that all processes of a run have in common: each may have its own
/// device and threads.
std::string shared_part(const std::string& config_text) {
  std::istringstream lines(config_text);
  std::string shared;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("device = ") && !line.starts_with("threads = ")) shared += line + ", ";
  }
  return shared;
}

/// The folder of a new run, which the first process finds.
std::string agree_on(const std::string& folder, Processes& processes) {
  return processes.exchange(folder).front();
}

int train(Training& training, const TrainCommand& command, Processes& processes) {
  const bool leads = processes.rank() == 0, is_new = command.resume.empty();
  std::optional<NewRunFolder> fresh;  // of the process that leads
  if (is_new && leads) fresh.emplace(command, training.family());
  const std::string program = "train_" + training.family();
  const std::filesystem::path folder =
      is_new ? agree_on(fresh ? fresh->path().string() : "", processes) : command.resume;
  print(command, program, folder / "run.toml");
  if (is_new) training.prepare();
  std::function<void(const NamedTensors&)> watch_batch;
  if (!command.dump_batches.empty()) watch_batch = dump_batches(command.dump_batches);
  const InterruptGuard interrupt;  // one for all: a signal while data is encoded counts as well
  Run run{.folder = folder,
          .program = program,
          .recipe = command.recipe,
          .config_text = command.config_text,
          .resume = !is_new,
          .starts_trained = !command.init_from.empty()};
  std::optional<HeldFolder> lock;
  if (fresh)
    fresh->create();
  else if (leads)
    lock.emplace(RunFolder(run.folder).lock());
  const auto task = training.make_task(is_new ? run.folder : std::filesystem::path());
  const auto device = task->model().parameters().front().device();
  require_agreement(processes, {{"configuration", shared_part(command.config_text)},
                                {"device", c10::DeviceTypeName(device.type(), /*lower_case=*/true)},
                                {"training data", task->data_fingerprint()},
                                {"program", program_hash()}});
  task->watch_batch = std::move(watch_batch);
  run.facts = training.facts();
  if (!command.dump_gradients.empty())
    run.inspect_first_gradients = training.gradient_dump(command.dump_gradients);
  print(run.facts);
  if (!leads) {
    const auto result = fit(*task, training.options(), run);
    return result.interrupted ? kInterrupted : 0;
  }
  TrainingConsole console(processes);
  const auto result = fit(*task, training.options(), run, console);
  if (const auto traffic = console.traffic(); !traffic.empty())
    fmt::print("exchange    {}\n", traffic);
  return print_result(program, run.folder, result);
}

/// The command line; where torchrun has started the processes again, that of the run so far.
TrainCommand parse(Training& training, int argc, const char* const* argv, int64_t restarts) {
  TrainCommand command = parse_train_command(training, argc, argv);
  if (restarts == 0 || !command.resume.empty() || !command.evaluate_only.empty()) return command;
  if (command.out.empty())
    throw UsageError("started again: name the run's folder with --out, so that the run continues");
  if (RunFolder(command.out).checkpoint_steps().empty()) return command;
  if (shared_part(read_file(std::filesystem::path(command.out) / "run.toml")) !=
      shared_part(command.config_text)) {
    throw UsageError(fmt::format(
        "--out {} holds another run, with other options; name a free folder", command.out));
  }
  std::vector<std::string> words = {argv[0], "--resume", command.out};
  if (command.has("threads"))
    words.insert(words.end(), {"--threads", std::to_string(training.options().threads)});
  if (command.has("device")) words.insert(words.end(), {"--device", training.options().device});
  std::vector<const char*> pointers;
  for (const auto& word : words) pointers.push_back(word.c_str());
  return parse_train_command(training, static_cast<int>(pointers.size()), pointers.data());
}

/// Waits for the others, of whom there is one at least.
std::unique_ptr<Processes> join(const ProcessEnvironment& environment, const std::string& program,
                                const TrainOptions& options) {
  return join_processes(
      environment, {.program = program,
                    .timeout = std::chrono::seconds(options.process_timeout),
                    .bf16_gradients = options.gradient_compression == GradientCompression::kBf16,
                    .cuda = find_device(options.device).is_cuda()});
}

int run_one(Training& training, int argc, const char* const* argv) {
  const std::string program = "train_" + training.family();
  const ProcessEnvironment environment = process_environment();
  if (environment.rank > 0) {
    mute_notes();
    mute_stdout();
  }
  follow_launcher();
  if (is_copy()) mute_notes();  // the launcher has printed those of the command line
  if (environment.size > 1) set_default_gpu(environment.local_rank);
  training.set_process_count(environment.size);
  const TrainCommand command = parse(training, argc, argv, environment.restarts);
  if (environment.rank == 0) mute_notes(false);
  const TrainOptions& options = training.options();
  if (environment.size == 1 && can_join_processes() &&
      must_launch(options.processes, environment)) {
    const InterruptGuard interrupt;
    return launch_processes(
        {.processes = options.processes, .program = program, .patience = std::chrono::seconds(10)},
        {argv, argv + argc});
  }
  std::unique_ptr<Processes> others;
  if (options.processes > 1) {
    others = join(environment, program, options);
    training.share_with(*others);
  }
  Processes& processes = others ? *others : single_process();
  try {
    return command.evaluate_only.empty() ? train(training, command, processes)
                                         : evaluate_only(training, command);
  } catch (const Interrupted& e) {
    note(fmt::format("{}: {}", program, e.what()));
    return kInterrupted;
  }
}

}  // namespace

int run_training(Training& training, int argc, const char* const* argv) {
  if (!is_sweep(argc, argv)) return run_one(training, argc, argv);
  if (process_environment().size > 1)
    throw UsageError("a sweep starts its runs itself: leave torchrun, mpirun or srun out");
  return run_sweep(training, argc, argv, [&](const std::vector<std::string>& words) {
    std::vector<const char*> one;
    for (const std::string& word : words) one.push_back(word.c_str());
    return run_one(training, static_cast<int>(one.size()), one.data());
  });
}

}  // namespace zoo
