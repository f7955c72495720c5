// The order of checks: what the command line alone can get wrong comes first, then folders and
// data, then the model.
#include "train/program/training.h"

#include <fmt/format.h>
#include <torch/utils.h>

#include <stdexcept>

#include "app/cli.h"
#include "app/recipe.h"
#include "base/files.h"
#include "base/note.h"
#include "base/usage_error.h"
#include "models/attention/attend.h"
#include "train/program/dumps.h"
#include "train/program/table.h"
#include "train/program/usage.h"
#include "train/run/run_folder.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

/// Throws UsageError where the kernel cannot train with such attention.
void check_kernel(const AttentionUse& use, torch::Device device) {
  const auto q = torch::empty({1, 1, 1, 1}, torch::device(device)).requires_grad_(true);
  AttendArgs args{.causal = use.causal, .dropout = use.dropout};
  if (use.trains_bias) args.bias = torch::zeros_like(q).requires_grad_(true);
  if (const auto why = attention_kernel(use.kernel).refuses(q, q, q, args); !why.empty())
    throw UsageError(fmt::format("--attention {}: {}", use.kernel, why));
}

/// The schedule of a run without a length of its own lasts as long as the run. A resumed run may
/// end where it is, but not before.
void settle_length(TrainOptions& options, const TrainCommand& command) {
  if (options.schedule.steps == 0) options.schedule.steps = options.max_steps;
  if (command.resume.empty()) return;
  const int64_t done = RunFolder(command.resume).last_step();
  if (options.max_steps >= done) return;
  throw UsageError(fmt::format(
      "--max-steps {}: the run in '{}' is at step {} already; name a larger one to go on",
      options.max_steps, command.resume, done));
}

/// Of a run; 1 where run.toml is older than the option.
int64_t processes_of(const fs::path& run) {
  for (const RecipeEntry& entry : parse_recipe(read_file(run / "run.toml"))) {
    if (entry.key == "processes" && entry.values.size() == 1) return std::stoll(entry.values[0]);
  }
  return 1;
}

/// "0.80 M"
std::string parameter_count(const torch::nn::Module& module) {
  int64_t parameters = 0;
  for (const auto& parameter : module.parameters()) parameters += parameter.numel();
  return fmt::format("{:.2f} M", static_cast<double>(parameters) / 1e6);
}

}  // namespace

Training::Training(TrainingInfo info) : info_(std::move(info)) {}

void Training::declare(CLI::App& app) {
  if (objectives_.empty()) {
    objectives_ = objectives();
    objective_ = objectives_.front().name;
  }
  declare_options(app);
  if (info_.tokenizer) add_options(app, "Data", *info_.tokenizer);
  const auto& alias = info_.objective_alias;
  add_option(app, "Training", alias.empty() ? "objective" : "objective,--" + alias, objective_,
             objective_help(objectives_));
  add_options(app, "Training", train_);
}

void Training::check_alone() const {
  check(train_);
  if (info_.tokenizer) check(*info_.tokenizer);
  check_options();
  const auto device = find_device(train_.device);
  for (const auto& use : attention()) check_kernel(use, device);
  const auto& lacks = objective().lacks_validation;
  if (const std::string what = lacks ? lacks() : ""; train_.patience > 0 && !what.empty())
    throw std::invalid_argument(fmt::format("--patience needs validation data: set --{}", what));
}

void Training::resolve(const TrainCommand& command) {
  command_ = command;
  check_usage([&] { objective(); });  // throws for an unknown name
  if (const auto implied = implied_objective(); !implied.empty() && implied != objective_) {
    if (command.has("objective")) {
      throw UsageError(fmt::format(
          "--objective {}: other options ask for --objective {}; name that one, or leave them out",
          objective_, implied));
    }
    objective_ = implied;
  }
  check_usage([&] { check_alone(); });
  refuse_other_objectives(objectives_, objective(), command);
  settle_options();
  if (process_count_ == 1) note_unused_processes(train_, command);
  note_unused(train_, command);
  if (info_.tokenizer) note_unused(*info_.tokenizer, command);
  settle_length(train_, command);
  settle_processes();
  if (!command.source().empty()) {
    const fs::path folder = command.checkpoint();
    take_model(folder);
    if (info_.tokenizer) settle_tokenizer(*info_.tokenizer, folder, command);
  }
  check_usage([&] { check_model(); });
  check_memory(cost(), train_, command);
  if (const auto& fits = objective().check) check_usage(fits);
}

const Objective& Training::objective() const {
  return find_row(objectives_, "objective", objective_);
}

void Training::prepare() {
  if (const auto& read = objective().prepare) read();
}

/// A resumed run keeps the size of its batches, in however many processes.
void Training::settle_processes() {
  if (process_count_ > 1) {
    if (command_.has("processes") && train_.processes != process_count_)
      throw UsageError(fmt::format("--processes {}: {} were started; leave it out",
                                   train_.processes, process_count_));
    train_.processes = process_count_;
  }
  // A model is evaluated in one process, however many have trained it.
  if (!command_.evaluate_only.empty() && process_count_ == 1 && !command_.has("processes"))
    train_.processes = 1;
  // With batches as large as in training, on whose size a contrastive loss depends.
  const auto evaluated =
      command_.evaluate_only.empty() ? std::nullopt : run_of(command_.evaluate_only);
  if (evaluated && batch() * processes_of(*evaluated) % train_.processes == 0)
    batch() = batch() * processes_of(*evaluated) / train_.processes;
  for (const auto& [flag, file] : {std::pair("--dump-gradients", command_.dump_gradients),
                                   std::pair("--dump-batches", command_.dump_batches)}) {
    if (train_.processes > 1 && !file.empty())
      throw UsageError(
          fmt::format("{} shows what one process computes: train in one process, and "
                      "make the batch larger instead",
                      flag));
  }
  if (command_.resume.empty()) return;
  const int64_t before = processes_of(command_.resume), now = train_.processes;
  if (before == now) return;
  const int64_t together = batch() * before;
  if (together % now != 0) {
    throw UsageError(fmt::format(
        "--processes {}: the run's batches of {} ({} in each of {} processes) cannot be divided "
        "evenly; choose a number that divides {}",
        now, together, batch(), before, together));
  }
  batch() = together / now;
  note(fmt::format("note: {} {} so far, {} from here on, each with {} of a batch of {}", before,
                   before == 1 ? "process" : "processes", now, batch(), together));
}

std::unique_ptr<Task> Training::make_task(const fs::path& new_run) {
  facts_.clear();
  if (info_.tokenizer && new_run.empty()) tokenizer_ = load_tokenizer(command_.checkpoint());
  const int64_t of_process = batch();
  batch() *= processes().size();
  auto task = objective().make_task(new_run);
  batch() = of_process;
  task->share_with(processes());
  if (processes().size() > 1) {
    add_fact("processes", fmt::format("{}, which share each batch of {}", processes().size(),
                                      of_process * processes().size()));
  }
  return task;
}

torch::Device Training::seed_weights() const {
  set_threads(train_.threads);
  torch::manual_seed(train_.seed);
  return find_device(train_.device);
}

void Training::describe(const torch::nn::Module& model, const std::string& training,
                        const std::string& validation, const std::string& layout_note) {
  add_fact("parameters", parameter_count(model));
  if (tokenizer_)
    add_fact("vocabulary", fmt::format("{} ({})", tokenizer_->vocab_size(), tokenizer_->kind()));
  add_fact("training", training);
  add_fact("validation", validation);
  add_fact("device", describe_device(model.parameters().front().device()));
  if (!layout_note.empty()) add_fact("checkpoints", layout_note);
}

std::function<void(torch::nn::Module&, double)> Training::gradient_dump(
    const fs::path& file) const {
  return dump_gradients(names_on_disk(), file);
}

}  // namespace zoo
