#include "train/loop/run_checkpoints.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "base/files.h"
#include "models/layers/batch_shard.h"
#include "train/loop/checkpoint_manifest.h"

namespace zoo {
namespace {

constexpr int64_t kNoStep = -1;

/// "cpu", "cuda:0"
std::string device_name(torch::nn::Module& module) {
  const auto parameters = module.parameters();
  return parameters.empty() ? "cpu" : parameters.front().device().str();
}

/// Sums in another order round differently.
std::string other_machine(const Progress& progress, torch::nn::Module& module) {
  constexpr const char* kSame =
      "its numbers will be as good, but not equal to the last bit to those without the change";
  const auto device = device_name(module);
  const int64_t threads = at::get_num_threads();
  if (!progress.device.empty() && progress.device != device) {
    return fmt::format("the run used {} so far and continues on {}: {}", progress.device, device,
                       kSame);
  }
  if (progress.threads != 0 && progress.threads != threads) {
    return fmt::format("the run used {} threads so far and continues with {}: {}", progress.threads,
                       threads, kSame);
  }
  return {};
}

void check_data(const Progress& progress, const std::string& now) {
  const std::string& then = progress.data_fingerprint;
  if (then.empty() || now.empty() || then == now) return;
  throw std::runtime_error(
      fmt::format("the training data has changed since step {}: the run cannot resume on it; bring "
                  "back the data that it began with, or start a new run from its weights",
                  progress.step));
}

}  // namespace

RunCheckpoints::RunCheckpoints(Task& task, Updater& updater, const TrainOptions& options,
                               const std::filesystem::path& folder)
    : task_(task),
      updater_(updater),
      options_(options),
      folder_(folder),
      data_fingerprint_(task.data_fingerprint()) {}

void RunCheckpoints::create() {
  if (leads() && !folder_.holds_new_run()) folder_.create();
}

void RunCheckpoints::hold() {
  if (leads()) held_.emplace(folder_.path());
}

void RunCheckpoints::require_in_place() const {
  if (held_) held_->require_in_place();
}

void RunCheckpoints::save(const Progress& progress, bool is_best) {
  if (saved_step_ == progress.step && !is_best) return;
  const auto optimizer_state = updater_.optimizer().whole_state();
  const auto carried = whole_carried();
  if (leads()) write(progress, optimizer_state, carried, is_best);
  saved_step_ = progress.step;
}

/// Of all processes, in each.
NamedTensors RunCheckpoints::whole_carried() const {
  NamedTensors whole = task_.carried();
  for (auto& [name, tensor] : whole) tensor = task_.processes().all_gather(tensor);
  return whole;
}

void RunCheckpoints::write(const Progress& progress, const NamedTensors& optimizer_state,
                           const NamedTensors& carried, bool is_best) {
  require_in_place();
  Progress now = progress;
  now.data_state = task_.data_state();
  now.data_fingerprint = data_fingerprint_;
  now.replaces = std::exchange(unscheduled_, std::nullopt);
  now.threads = at::get_num_threads();
  now.device = device_name(task_.model());
  const auto fill = [&](const std::filesystem::path& folder) {
    {
      std::optional<AveragedWeights> averaged;
      if (updater_.average().enabled()) averaged.emplace(updater_.average());
      task_.save(folder);
    }
    save_trainer_state(folder, now, optimizer_state, updater_.scaler(), updater_.average(),
                       task_.model(), carried);
  };
  folder_.save_checkpoint(now.step, is_best, retention(now), fill);
}

Retention RunCheckpoints::retention(const Progress& progress) const {
  Retention retention{.newest = std::max(options_.keep, options_.average_last),
                      .discard = progress.replaces};
  if (progress.scheduled_best) retention.spare = progress.scheduled_best->step;
  return retention;
}

Resumed RunCheckpoints::resume() {
  const int64_t step = folder_.last_step();
  const auto checkpoint = folder_.checkpoint(step);
  Resumed resumed{.progress = check_checkpoint(checkpoint, step)};
  Progress& progress = resumed.progress;
  if (options_.max_steps < step) {
    throw std::invalid_argument(
        fmt::format("the run is at step {} already, past max-steps {}; name a larger one", step,
                    options_.max_steps));
  }
  check_data(progress, data_fingerprint_);
  task_.load(checkpoint);
  auto carried = load_trainer_state(checkpoint, updater_.optimizer(), updater_.scaler(),
                                    updater_.average(), task_.model());
  try {
    task_.restore_data(progress.data_state);
  } catch (const std::exception& e) {
    throw DamagedCheckpoint(checkpoint, "trainer_state/progress.json", e.what());
  }
  for (auto& [name, tensor] : carried) {
    const auto& processes = task_.processes();
    if (tensor.dim() > 0)
      tensor = rows_of(shard_of(tensor.size(0), processes.rank(), processes.size()), tensor);
  }
  try {
    task_.restore_carried(carried);
  } catch (const std::exception& e) {
    throw DamagedCheckpoint(checkpoint, "trainer_state/tensors.safetensors", e.what());
  }
  updater_.set_skipped_batches(progress.skipped_batches);
  saved_step_ = step;
  task_.processes().any(false);  // all have read it
  if (leads()) mend(progress);
  resumed.other_machine = other_machine(progress, task_.model());
  if (step < options_.max_steps) resumed.drop_evaluation = undo_unscheduled_evaluation(progress);
  return resumed;
}

void RunCheckpoints::mend(const Progress& progress) {
  folder_.mend();
  folder_.point_best_at(progress.best.value ? progress.best.step : kNoStep);
  folder_.prune(retention(progress));
}

// A run that stops between two evaluations makes one more, for its verdict. A run resumed from
// there equals one that never stopped: it forgets that evaluation, and soon the checkpoint.
bool RunCheckpoints::undo_unscheduled_evaluation(Progress& progress) {
  const bool forget = progress.scheduled_best.has_value();
  if (forget) {
    progress.best = *std::exchange(progress.scheduled_best, std::nullopt);
    if (leads()) folder_.point_best_at(progress.best.step);
  }
  const int64_t every = options_.save_every > 0 ? options_.save_every : options_.evaluate_every;
  if (progress.step % every != 0 && progress.step % options_.evaluate_every != 0)
    unscheduled_ = progress.step;
  return forget;
}

int64_t RunCheckpoints::load_mean_of_last(int64_t count) {
  task_.processes().any(false);  // the last one is whole
  auto steps = folder_.checkpoint_steps();
  if (std::ssize(steps) > count) steps.erase(steps.begin(), steps.end() - count);
  MeanOfWeights mean;
  for (const int64_t step : steps) {
    task_.load(folder_.checkpoint(step));
    mean.add(task_.model());
  }
  mean.copy_to(task_.model());
  return std::ssize(steps);
}

void RunCheckpoints::save_average() const {
  if (!leads()) return;
  require_in_place();
  write_folder(folder_ / "averaged",
               [&](const std::filesystem::path& folder) { task_.save(folder); });
}

std::optional<int64_t> RunCheckpoints::newest_step() const {
  const auto steps = folder_.checkpoint_steps();
  return steps.empty() ? std::nullopt : std::optional(steps.back());
}

}  // namespace zoo
