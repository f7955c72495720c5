// Command line, run folder, data and model, training: in this order, so that what is wrong shows
// before anything is made.
#include "train/program/family.h"

#include <fmt/format.h>

#include <cstdio>
#include <optional>
#include <utility>

#include "base/interrupt.h"
#include "base/printable.h"
#include "base/usage_error.h"
#include "train/loop/measuring.h"
#include "train/program/setup.h"

namespace zoo {
namespace {

void print(const Facts& facts) {
  for (const auto& [name, value] : facts) fmt::print("{:<11} {}\n", name, value);
  std::fflush(stdout);
}

int evaluate_only(Family& family, const TrainCommand& command) {
  const auto task = family.make_task(command, {});
  print(family.facts());
  const Measuring measuring(task->model());
  const Metrics metrics = task->evaluate();
  if (metrics.empty() && task->validates())
    throw std::runtime_error(
        "--evaluate-only: the data holds nothing to measure: no target in it counts");
  if (metrics.empty())
    throw UsageError(
        fmt::format("--evaluate-only: nothing is left to measure with; name some with the options "
                    "that 'train_{} "
                    "--help' lists with 'validation' in their names",
                    family.name()));
  for (const auto& [name, value] : metrics) fmt::print("val {} {:.6g}\n", name, printable(value));
  return 0;
}

int train(Family& family, const TrainCommand& command) {
  std::optional<NewRunFolder> fresh;
  if (command.resume.empty()) {
    fresh.emplace(command, family.name());
    family.prepare();
  }
  std::function<void(const NamedTensors&)> watch_batch;
  if (!command.dump_batches.empty()) watch_batch = dump_batches(command.dump_batches);
  const InterruptGuard interrupt;  // one for all: a signal while data is encoded counts as well
  const std::string program = "train_" + family.name();
  Run run{.folder = fresh ? fresh->path() : std::filesystem::path(command.resume),
          .title = program,
          .config_text = command.config_text,
          .resume = !fresh,
          .starts_trained = !command.init_from.empty()};
  std::optional<HeldFolder> lock;
  if (fresh)
    fresh->create();
  else
    lock.emplace(RunFolder(run.folder).lock());
  const auto task = family.make_task(command, fresh ? run.folder : std::filesystem::path());
  task->watch_batch = std::move(watch_batch);
  run.facts = family.facts();
  if (!command.dump_gradients.empty())
    run.inspect_first_gradients = family.gradient_dump(command.dump_gradients);
  print(run.facts);
  return print_result(program, run.folder, fit(*task, family.train_options(), run));
}

}  // namespace

int run_training(Family& family, int argc, const char* const* argv) {
  const TrainProgram program{
      .family = family.name(),
      .description = family.description(),
      .declare = [&](CLI::App& app) { family.declare(app); },
      .apply_preset = [&](const std::string& preset) { family.apply_preset(preset); },
      .resolve = [&](TrainCommand& command) { family.resolve(command); }};
  const TrainCommand command = parse_train_command(program, argc, argv);
  fmt::print("{}\n", command.config_text);
  std::fflush(stdout);
  try {
    return command.evaluate_only.empty() ? train(family, command) : evaluate_only(family, command);
  } catch (const Interrupted& e) {
    fmt::print(stderr, "train_{}: {}\n", family.name(), e.what());
    return kInterrupted;
  }
}

}  // namespace zoo
