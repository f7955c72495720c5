#include "train/loop/trainer.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "app/progress_bar.h"
#include "base/files.h"
#include "base/interrupt.h"
#include "base/note.h"
#include "base/printable.h"
#include "train/loop/checkpoint_manifest.h"
#include "train/loop/measuring.h"
#include "train/loop/trainer_state.h"
#include "train/loop/update.h"
#include "train/run/run_folder.h"
#include "train/run/run_log.h"

namespace zoo {
namespace {

constexpr int64_t kNoStep = -1;

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// As --threads and --device have it, for words and comparisons.
std::string device_name(torch::nn::Module& module) {
  const auto parameters = module.parameters();
  return parameters.empty() ? "cpu" : parameters.front().device().str();
}

TrainOptions with_schedule(TrainOptions options) {
  if (options.schedule.steps == 0) options.schedule.steps = options.max_steps;
  return options;
}

class Training {
 public:
  Training(Task& task, const TrainOptions& options, const Run& run);
  TrainResult run();

 private:
  void begin();
  void resume();
  void note_other_machine();
  void leave_extra_evaluation();
  bool out_of_patience() const;
  void loop();
  void finish();
  bool update();
  [[noreturn]] void explain(const NotFinite& error);
  bool measured() const { return progress_.evaluated_step == progress_.step; }
  bool at_evaluation() const { return progress_.step % options_.evaluate_every == 0; }
  void evaluate();
  bool take_standing(const Metrics& metrics);
  void save(bool is_best);
  Retention retention() const;
  void average_checkpoints();
  void log_update(const Update& update);
  void note(const std::string& line);
  double elapsed() const { return progress_.elapsed_s + seconds_since(began_); }
  MetricsRecord record(const std::string& split, const Metrics& metrics) const;

  Task& task_;
  TrainOptions options_;
  const Run& run_;
  Goal goal_;
  RunFolder folder_;
  std::optional<HeldFolder> held_;
  Updater updater_;
  Progress progress_;
  Clock::time_point began_ = Clock::now();
  std::optional<RunLog> log_;
  std::optional<ProgressBar> bar_;
  int64_t saved_step_ = -1;
  bool unmeasurable_ = false;            // nothing in the validation part counts
  bool drop_evaluation_ = false;         // the one that resume() left behind
  std::optional<int64_t> off_schedule_;  // a checkpoint that a run without stops would not have
  double last_loss_ = std::nan("");
  double recent_weight_ = 0.0,
         recent_seconds_ = 0.0;  // of the last twenty updates or so: the speed shown
  TrainResult result_;
};

Training::Training(Task& task, const TrainOptions& options, const Run& run)
    : task_(task),
      options_(with_schedule(options)),
      run_(run),
      goal_(task.goal()),
      folder_(run.folder),
      updater_(task, options_) {}

TrainResult Training::run() {
  const InterruptGuard interrupt;
  begin();
  bar_.emplace("training", options_.max_steps, progress_.step);
  loop();
  bar_->finish();
  finish();
  return result_;
}

void Training::begin() {
  if (run_.resume)
    resume();
  else if (!folder_.holds_new_run())
    folder_.create();
  held_.emplace(folder_.path());
  // What a resume changes (where the run ends) holds for the resumes after it.
  write_file(folder_ / "run.toml", run_.config_text);
  began_ = Clock::now();
  ReportInput report;
  report.title = run_.title;
  report.config_text = run_.config_text;
  report.metric = goal_.metric;
  report.higher_is_better = goal_.higher_is_better;
  report.chance_level = goal_.chance;
  report.expected_band = make_band(options_.expect_at_least, options_.expect_at_most);
  report.facts = run_.facts;
  std::optional<MetricsResume> resumed;
  if (run_.resume) resumed = {progress_.step, drop_evaluation_, progress_.metrics_lines};
  log_.emplace(folder_, std::move(report), resumed);
  if (const int64_t lost = log_->lost_lines(); lost > 0) {
    note(
        fmt::format("metrics.jsonl has lost {} of the lines up to step {}, which were damaged or "
                    "cut off; the run goes on, its curves have a gap",
                    lost, progress_.step));
  }
  updater_.set_first_batch(task_.data_state());
  updater_.set_inspector(run_.inspect_first_gradients);
  // Of a resumed run: where a signal or the end came before the evaluation that belongs here.
  const bool due = at_evaluation() || progress_.step >= options_.max_steps;
  if (!run_.resume || (due && !measured())) {
    saved_step_ = -1;  // the state will have changed: save it again
    evaluate();
  }
}

void Training::resume() {
  const int64_t step = folder_.last_step();
  const auto checkpoint = folder_.checkpoint(step);
  progress_ = check_checkpoint(checkpoint, step);
  if (options_.max_steps < step) {
    throw std::invalid_argument(
        fmt::format("the run is at step {} already, past --max-steps {}; name a larger one", step,
                    options_.max_steps));
  }
  task_.load(checkpoint);
  load_trainer_state(checkpoint, updater_.optimizer(), updater_.scaler(), updater_.average(),
                     task_.model());
  try {
    task_.restore_data(progress_.data_state);
  } catch (const std::exception& e) {
    throw DamagedCheckpoint(checkpoint, "trainer_state/progress.json", e.what());
  }
  updater_.set_passed_over(progress_.passed_over);
  saved_step_ = step;
  result_.updates = -step;
  folder_.mend();
  folder_.point_best_at(progress_.standing.best ? progress_.standing.best_step : kNoStep);
  folder_.prune(retention());
  note_other_machine();
  if (step < options_.max_steps) leave_extra_evaluation();
}

// Sums in another order round otherwise.
void Training::note_other_machine() {
  const auto device = device_name(task_.model());
  const int64_t threads = at::get_num_threads();
  if (!progress_.device.empty() && progress_.device != device) {
    note(
        fmt::format("the run went on {} so far and goes on on {}: its numbers will be as good, "
                    "but not equal to the last bit to those without the change",
                    progress_.device, device));
  } else if (progress_.threads != 0 && progress_.threads != threads) {
    note(
        fmt::format("the run went with --threads {} so far and goes on with {}: its numbers will "
                    "be as good, but not equal to the last bit to those without the change",
                    progress_.threads, threads));
  }
}

// A run that stops between two evaluations makes one more, for its verdict. One that goes on from
// there equals a run that never stopped: it forgets that evaluation, and soon the checkpoint.
void Training::leave_extra_evaluation() {
  if (progress_.scheduled) {
    progress_.standing = *std::exchange(progress_.scheduled, std::nullopt);
    folder_.point_best_at(progress_.standing.best_step);
    drop_evaluation_ = true;
  }
  const int64_t every = options_.save_every > 0 ? options_.save_every : options_.evaluate_every;
  if (progress_.step % every != 0 && progress_.step % options_.evaluate_every != 0)
    off_schedule_ = progress_.step;
}

bool Training::out_of_patience() const {
  return options_.patience > 0 && progress_.standing.evaluations_since_best >= options_.patience;
}

void Training::loop() {
  while (progress_.step < options_.max_steps && !InterruptGuard::requested() &&
         !out_of_patience()) {
    if (!update()) break;
    const bool last = progress_.step == options_.max_steps;
    if (at_evaluation() || last) evaluate();
    if (options_.save_every > 0 && progress_.step % options_.save_every == 0) save(false);
  }
  const bool before_the_end =
      progress_.step < options_.max_steps || (InterruptGuard::requested() && !measured());
  result_.stopped_early = before_the_end && out_of_patience();
  result_.interrupted = before_the_end && !result_.stopped_early && InterruptGuard::requested();
  save(false);
}

/// False where a signal came before the update was whole.
bool Training::update() {
  held_->require_in_place();
  std::optional<Update> done;
  try {
    done = updater_.update(progress_.step);
  } catch (const NotFinite& error) {
    explain(error);
  }
  if (updater_.passed_over() > 0 && progress_.passed_over == 0) {
    note(
        "a batch held nothing to learn from (no target in it counts): it is passed over, and so "
        "are others like it; the end of the run says how many there were");
  }
  progress_.passed_over = updater_.passed_over();
  if (!done) return false;
  ++progress_.step;
  last_loss_ = done->loss;
  if (progress_.step % options_.log_every == 0) log_update(*done);
  recent_weight_ = 0.95 * recent_weight_ + done->weight;
  recent_seconds_ = 0.95 * recent_seconds_ + done->seconds;
  bar_->update(progress_.step,
               fmt::format("loss {:.4f}  lr {:.2e}  {:.0f} {}/s", done->loss, done->learning_rate,
                           recent_weight_ / recent_seconds_, task_.unit()));
  return true;
}

void Training::explain(const NotFinite& error) {
  if (bar_) bar_->finish();
  const auto steps = folder_.checkpoint_steps();
  const std::string kept = steps.empty()
                               ? std::string("no checkpoint was written yet")
                               : fmt::format("the checkpoint of step {} is intact", steps.back());
  throw std::runtime_error(
      fmt::format("{} around update {}; {}; try a lower --learning-rate, a longer "
                  "--warmup-steps or --clip 1",
                  error.what(), progress_.step + 1, kept));
}

/// To stderr, one line.
void Training::note(const std::string& line) {
  const auto text = "note: " + line;
  if (bar_)
    bar_->print_above(text);
  else
    zoo::note(text);
}

// Where a signal comes, the evaluation is given up: the run that goes on from here makes it.
void Training::evaluate() {
  Metrics metrics;
  std::string text;
  std::vector<ReportPicture> pictures;
  try {
    std::optional<AveragedWeights> averaged;
    if (updater_.average().enabled()) averaged.emplace(updater_.average());
    const Measuring measuring(task_.model());
    metrics = task_.evaluate();
    if (const auto found = metrics.find(goal_.metric);
        found != metrics.end() && !std::isfinite(found->second))
      explain(NotFinite("the validation " + goal_.metric, found->second));
    text = task_.sample();
    pictures = task_.pictures();
  } catch (const Interrupted&) {
    return;
  }
  held_->require_in_place();
  if (metrics.empty() && task_.validates() && !std::exchange(unmeasurable_, true)) {
    note(
        "the validation part holds nothing to measure (no target in it counts): the run goes on "
        "without");
  }
  const bool better = take_standing(metrics);
  if (!text.empty()) log_->sample(progress_.step, text);
  log_->pictures(std::move(pictures));
  result_.final_metrics = metrics;
  // Untrained weights need no checkpoint where training follows.
  const bool untrained =
      progress_.step == 0 && options_.max_steps > 0 && !run_.starts_trained && !run_.resume;
  if (!untrained && (better || options_.save_every == 0)) save(better);
  log_->write_report({});
}

// Records what was measured; true where it is the best so far. Without a measure nothing is better
// or worse.
bool Training::take_standing(const Metrics& metrics) {
  // The last step's may be one of no schedule.
  progress_.scheduled = !at_evaluation() ? std::optional(progress_.standing) : std::nullopt;
  progress_.evaluated_step = progress_.step;
  const auto found = metrics.find(goal_.metric);
  if (found == metrics.end()) return false;
  Standing& standing = progress_.standing;
  const bool better = !standing.best || (goal_.higher_is_better ? found->second > *standing.best
                                                                : found->second < *standing.best);
  if (better) {
    standing = {.best = found->second, .best_step = progress_.step};
    result_.best_metrics = metrics;
  } else {
    ++standing.evaluations_since_best;
  }
  log_->record(record("val", metrics));
  const auto line = fmt::format("step {:>6}  val {} {:.4f}{}", progress_.step, goal_.metric,
                                found->second, better && progress_.step > 0 ? "  (best)" : "");
  if (bar_)
    bar_->print_above(line);
  else
    fmt::print("{}\n", line);
  return better;
}

void Training::save(bool is_best) {
  if (saved_step_ == progress_.step && !is_best) return;
  held_->require_in_place();
  Progress now = progress_;
  now.elapsed_s = elapsed();
  now.data_state = task_.data_state();
  now.replaces = off_schedule_;
  now.metrics_lines = log_->lines();
  now.threads = at::get_num_threads();
  now.device = device_name(task_.model());
  const auto fill = [&](const std::filesystem::path& folder) {
    {
      std::optional<AveragedWeights> averaged;
      if (updater_.average().enabled()) averaged.emplace(updater_.average());
      task_.save(folder);
    }
    save_trainer_state(folder, now, updater_.optimizer(), updater_.scaler(), updater_.average(),
                       task_.model());
  };
  progress_.replaces = off_schedule_;
  folder_.save_checkpoint(progress_.step, is_best, retention(), fill);
  off_schedule_.reset();
  saved_step_ = progress_.step;
}

Retention Training::retention() const {
  Retention retention{.newest = std::max(options_.keep, options_.average_last),
                      .discard = progress_.replaces};
  if (progress_.scheduled) retention.spare = progress_.scheduled->best_step;
  return retention;
}

void Training::average_checkpoints() {
  auto steps = folder_.checkpoint_steps();
  if (static_cast<int64_t>(steps.size()) > options_.average_last)
    steps.erase(steps.begin(), steps.end() - options_.average_last);
  MeanOfWeights mean;
  for (const int64_t step : steps) {
    task_.load(folder_.checkpoint(step));
    mean.add(task_.model());
  }
  mean.copy_to(task_.model());
  Metrics metrics;
  {
    const Measuring measuring(task_.model());
    metrics = task_.evaluate();
  }
  held_->require_in_place();
  write_folder(folder_ / "averaged",
               [&](const std::filesystem::path& folder) { task_.save(folder); });
  if (!metrics.contains(goal_.metric)) return;
  const auto name = fmt::format("average of the last {} checkpoints", steps.size());
  const auto value = fmt::format("val {} {:.4f} (in averaged/)", goal_.metric,
                                 printable(metrics.at(goal_.metric)));
  fmt::print("{}: {}\n", name, value);
  log_->fact(name, value);
}

void Training::finish() {
  try {
    if (options_.average_last > 0 && !result_.interrupted) average_checkpoints();
  } catch (const Interrupted&) {
    result_.interrupted = true;  // a resumed run averages them
  }
  if (progress_.passed_over > 0) {
    const auto count = fmt::format("{} batches", progress_.passed_over);
    note(count + " held nothing to learn from and were passed over");
    log_->fact("passed over", count + " with nothing to learn from");
  }
  result_.step = progress_.step;
  result_.updates += progress_.step;
  result_.best_step = progress_.standing.best_step;
  result_.verdict =
      judge({.goal = goal_,
             .expected_band = make_band(options_.expect_at_least, options_.expect_at_most),
             .best = progress_.standing.best,
             .best_step = progress_.standing.best_step,
             .updates = progress_.step,
             .interrupted = result_.interrupted,
             .stopped_after = result_.stopped_early ? options_.patience : 0,
             .overfit_loss =
                 options_.overfit_one_batch ? std::optional<double>(last_loss_) : std::nullopt});
  log_->write_report(result_.verdict);
}

MetricsRecord Training::record(const std::string& split, const Metrics& metrics) const {
  MetricsRecord record{.step = progress_.step, .split = split};
  for (const auto& [name, value] : metrics) record.values.emplace_back(name, value);
  record.values.emplace_back("elapsed_s", elapsed());
  return record;
}

void Training::log_update(const Update& update) {
  Metrics metrics = update.metrics;
  metrics["loss"] = update.loss;
  metrics["lr"] = update.learning_rate;
  metrics["grad_norm"] = update.gradient_norm;
  metrics[task_.unit() + "_per_s"] = update.weight / update.seconds;
  log_->record(record("train", metrics));
}

}  // namespace

TrainResult fit(Task& task, const TrainOptions& options, const Run& run) {
  check(options);
  return Training(task, options, run).run();
}

}  // namespace zoo
