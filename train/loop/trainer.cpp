#include "train/loop/trainer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/interrupt.h"
#include "base/printable.h"
#include "train/loop/evaluation_mode.h"
#include "train/loop/run_checkpoints.h"
#include "train/loop/slow_process.h"
#include "train/loop/update.h"
#include "train/run/run_info.h"
#include "train/run/run_log.h"

namespace zoo {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

TrainOptions with_schedule(TrainOptions options) {
  if (options.schedule.steps == 0) options.schedule.steps = options.max_steps;
  return options;
}

/// What an evaluation found.
struct Evaluation {
  Metrics metrics = {};
  std::string sample = {};
  std::vector<ReportPicture> pictures = {};
};

class Training {
 public:
  Training(Task& task, const TrainOptions& options, const Run& run, TrainingObserver& observer);
  TrainResult run();

 private:
  // The loop.
  void loop();
  bool update();
  void evaluate();
  std::optional<Evaluation> measure();
  Metrics of_first_process(Metrics metrics);
  bool take(const Metrics& metrics);
  void save(bool is_best);
  // Before and after.
  void begin();
  void finish();
  void write_info(bool finished) const;
  void average_checkpoints();
  [[noreturn]] void fail(const NotFinite& error);
  void open_log(const Resumed& resumed);
  void begin_alike();
  // What is known so far.
  Processes& processes() const { return task_.processes(); }
  /// Of several processes, the first one writes the run's files.
  bool leads() const { return processes().rank() == 0; }
  bool interrupted() const { return processes().any(InterruptGuard::requested()); }
  bool evaluated() const { return progress_.evaluated_step == progress_.step; }
  bool at_evaluation() const { return progress_.step % options_.evaluate_every == 0; }
  bool out_of_patience() const {
    return options_.patience > 0 && progress_.best.evaluations_since >= options_.patience;
  }
  double elapsed() const { return progress_.elapsed_s + seconds_since(began_); }
  MetricsRecord record(const std::string& split, const Metrics& metrics) const;
  ReportInput report() const;
  void know_beginning();

  Task& task_;
  TrainOptions options_;
  const Run& run_;
  TrainingObserver& observer_;
  Goal goal_;
  Updater updater_;
  RunCheckpoints checkpoints_;
  SlowProcessNote slow_process_;
  Progress progress_;
  Clock::time_point began_ = Clock::now();
  std::optional<RunLog> log_;  // of the process that leads
  bool noted_empty_validation_ = false;
  double last_loss_ = std::nan("");
  TrainResult result_;
  std::string recipe_, started_;
};

Training::Training(Task& task, const TrainOptions& options, const Run& run,
                   TrainingObserver& observer)
    : task_(task),
      options_(with_schedule(options)),
      run_(run),
      observer_(observer),
      goal_(task.goal()),
      updater_(task, options_),
      checkpoints_(task, updater_, options_, run.folder),
      slow_process_(task.processes()) {}

TrainResult Training::run() {
  const InterruptGuard interrupt;
  begin();
  observer_.begin(progress_.step, options_.max_steps, task_.unit());
  try {
    loop();
  } catch (...) {
    observer_.end();
    throw;
  }
  observer_.end();
  finish();
  return result_;
}

void Training::loop() {
  while (progress_.step < options_.max_steps && !interrupted() && !out_of_patience()) {
    if (!update()) break;
    const bool last = progress_.step == options_.max_steps;
    if (at_evaluation() || last) evaluate();
    if (options_.save_every > 0 && progress_.step % options_.save_every == 0) save(false);
  }
  const bool signal = interrupted();
  const bool before_the_end = progress_.step < options_.max_steps || (signal && !evaluated());
  result_.stopped_early = before_the_end && out_of_patience();
  result_.interrupted = before_the_end && !result_.stopped_early && signal;
  save(false);
}

/// False where a signal came before the update was whole.
bool Training::update() {
  checkpoints_.require_in_place();
  std::optional<Update> done;
  try {
    done = updater_.update(progress_.step);
  } catch (const NotFinite& error) {
    fail(error);
  }
  if (updater_.skipped_batches() > 0 && progress_.skipped_batches == 0) {
    observer_.note(
        "a batch held nothing to learn from (no target in it counts): it is skipped, and so are "
        "others like it; the end of the run says how many there were");
  }
  progress_.skipped_batches = updater_.skipped_batches();
  if (!done) return false;
  ++progress_.step;
  last_loss_ = done->loss;
  if (log_ && progress_.step % options_.log_every == 0) {
    Metrics metrics = done->metrics;
    metrics["loss"] = done->loss;
    metrics["lr"] = done->learning_rate;
    metrics["grad_norm"] = done->gradient_norm;
    metrics[task_.unit() + "_per_s"] = done->weight / done->seconds;
    log_->record(record("train", metrics));
  }
  observer_.update(progress_.step, *done);
  if (const auto slow = slow_process_.update(done->seconds); !slow.empty()) observer_.note(slow);
  return true;
}

void Training::evaluate() {
  auto evaluation = measure();
  if (!evaluation) return;
  checkpoints_.require_in_place();
  if (evaluation->metrics.empty() && task_.validates() &&
      !std::exchange(noted_empty_validation_, true)) {
    observer_.note(
        "the validation part holds nothing to measure (no target in it counts): the run continues "
        "without");
  }
  const bool is_best = take(evaluation->metrics);
  if (log_) {
    if (!evaluation->sample.empty()) log_->sample(progress_.step, evaluation->sample);
    log_->pictures(std::move(evaluation->pictures));
  }
  result_.final_metrics = std::move(evaluation->metrics);
  // Untrained weights need no checkpoint where training follows.
  const bool untrained =
      progress_.step == 0 && options_.max_steps > 0 && !run_.starts_trained && !run_.resume;
  if (!untrained && (is_best || options_.save_every == 0)) save(is_best);
  if (log_) log_->write_report({});
}

/// Nothing where a signal came: the run that resumes from here makes the evaluation.
std::optional<Evaluation> Training::measure() {
  Evaluation evaluation;
  bool stopped = false;
  try {
    std::optional<AveragedWeights> averaged;
    if (updater_.average().enabled()) averaged.emplace(updater_.average());
    const EvaluationMode evaluating(task_.model());
    evaluation.metrics = of_first_process(task_.evaluate());
    if (const auto found = evaluation.metrics.find(goal_.metric);
        found != evaluation.metrics.end() && !std::isfinite(found->second))
      fail(NotFinite("the validation " + goal_.metric, found->second));
    if (leads()) {
      evaluation.sample = task_.sample();
      evaluation.pictures = task_.pictures();
    }
  } catch (const Interrupted&) {
    stopped = true;
  }
  return processes().any(stopped) ? std::nullopt : std::optional(std::move(evaluation));
}

/// What follows from metrics must be the same in all processes, to the last bit.
Metrics Training::of_first_process(Metrics metrics) {
  std::vector<double> values;
  for (const auto& [name, value] : metrics) values.push_back(leads() ? value : 0.0);
  values = processes().sum(values);
  size_t next = 0;
  for (auto& [name, value] : metrics) value = values[next++];
  return metrics;
}

/// True where these are the best metrics so far; without the goal's nothing is better or worse.
bool Training::take(const Metrics& metrics) {
  // The last step's evaluation may be one of no schedule.
  progress_.scheduled_best = !at_evaluation() ? std::optional(progress_.best) : std::nullopt;
  progress_.evaluated_step = progress_.step;
  const auto found = metrics.find(goal_.metric);
  if (found == metrics.end()) return false;
  const bool is_best = progress_.best.take(found->second, progress_.step, goal_.higher_is_better);
  if (is_best) result_.best_metrics = metrics;
  if (log_) log_->record(record("val", metrics));
  observer_.evaluation(
      {.step = progress_.step, .metric = goal_.metric, .value = found->second, .is_best = is_best});
  return is_best;
}

void Training::save(bool is_best) {
  Progress now = progress_;
  now.elapsed_s = elapsed();
  if (log_) now.metrics_lines = log_->lines();
  checkpoints_.save(now, is_best);
}

// A new run evaluates the model that it starts from. A resumed run continues where its checkpoint
// was written.
void Training::begin() {
  Resumed resumed;
  if (run_.resume) {
    resumed = checkpoints_.resume();
    progress_ = resumed.progress;
    result_.updates = -progress_.step;
    if (!resumed.other_machine.empty()) observer_.note(resumed.other_machine);
  } else {
    checkpoints_.create();
  }
  begin_alike();
  checkpoints_.hold();
  began_ = Clock::now();
  if (leads()) open_log(resumed);
  updater_.set_first_batch(task_.data_state());
  updater_.set_inspector(run_.inspect_first_gradients);
  // Of a resumed run: where a signal or the end came before the evaluation that belongs here.
  const bool due = at_evaluation() || progress_.step >= options_.max_steps;
  if (!run_.resume || (due && !evaluated())) {
    checkpoints_.outdate();
    evaluate();
  }
}

/// Processors of different kinds may have drawn other first weights.
void Training::begin_alike() {
  if (processes().size() == 1) return;
  std::vector<torch::Tensor> tensors = task_.model().buffers();
  for (const auto& parameter : task_.model().parameters()) tensors.push_back(parameter.detach());
  for (const auto& [name, average] : updater_.average().state()) tensors.push_back(average);
  processes().broadcast(tensors, 0);
}

void Training::open_log(const Resumed& resumed) {
  know_beginning();
  // What a resume changes (where the run ends) holds for the resumes after it.
  write_file(run_.folder / "run.toml", run_.config_text);
  write_info(false);
  std::optional<MetricsResume> lines;
  if (run_.resume) lines = {progress_.step, resumed.drop_evaluation, progress_.metrics_lines};
  log_.emplace(checkpoints_.folder(), report(), lines);
  if (const int64_t lost = log_->lost_lines(); lost > 0) {
    observer_.note(
        fmt::format("metrics.jsonl has lost {} of the lines up to step {}, which were damaged or "
                    "cut off; the run continues, its curves have a gap",
                    lost, progress_.step));
  }
}

void Training::finish() {
  try {
    if (options_.average_last > 0 && !result_.interrupted) average_checkpoints();
  } catch (const Interrupted&) {
    result_.interrupted = true;  // a resumed run averages them
  }
  if (progress_.skipped_batches > 0) {
    const auto count = fmt::format("{} batches", progress_.skipped_batches);
    observer_.note(count + " held nothing to learn from and were skipped");
    if (log_) log_->fact("skipped", count + " with nothing to learn from");
  }
  result_.step = progress_.step;
  result_.updates += progress_.step;
  result_.best_step = progress_.best.step;
  result_.verdict =
      judge({.goal = goal_,
             .expected_band = make_band(options_.expect_at_least, options_.expect_at_most),
             .best = progress_.best.value,
             .best_step = progress_.best.step,
             .updates = progress_.step,
             .planned = options_.schedule.steps,
             .interrupted = result_.interrupted,
             .stopped_after = result_.stopped_early ? options_.patience : 0,
             .overfit_loss =
                 options_.overfit_one_batch ? std::optional<double>(last_loss_) : std::nullopt});
  if (!log_) return;
  log_->write_report(result_.verdict);
  if (!result_.interrupted) write_info(true);
}

void Training::write_info(bool finished) const {
  int64_t parameters = 0;
  for (const auto& parameter : task_.model().parameters()) parameters += parameter.numel();
  write_run_info(run_.folder, {.program = run_.program,
                               .metric = goal_.metric,
                               .higher_is_better = goal_.higher_is_better,
                               .chance = goal_.chance,
                               .parameters = parameters,
                               .finished = finished,
                               .recipe = recipe_,
                               .started = started_});
}

/// A resumed run keeps its recipe and its date.
void Training::know_beginning() {
  if (!run_.resume) {
    recipe_ = run_.recipe;
    started_ = time_now();
    return;
  }
  try {
    const auto info = read_run_info(run_.folder).value_or(RunInfo());
    recipe_ = info.recipe;
    started_ = info.started;
  } catch (const std::runtime_error&) {  // damaged; it is written anew
  }
}

void Training::average_checkpoints() {
  AverageReport average{.checkpoints = checkpoints_.load_mean_of_last(options_.average_last),
                        .metric = goal_.metric};
  Metrics metrics;
  {
    const EvaluationMode evaluating(task_.model());
    metrics = of_first_process(task_.evaluate());
  }
  checkpoints_.save_average();
  if (!metrics.contains(goal_.metric)) return;
  average.value = metrics.at(goal_.metric);
  if (log_)
    log_->fact(
        fmt::format("average of the last {} checkpoints", average.checkpoints),
        fmt::format("val {} {:.4f} (in averaged/)", average.metric, printable(average.value)));
  observer_.average(average);
}

void Training::fail(const NotFinite& error) {
  const auto newest = checkpoints_.newest_step();
  const std::string kept = newest ? fmt::format("the checkpoint of step {} is intact", *newest)
                                  : std::string("no checkpoint was written yet");
  throw std::runtime_error(
      fmt::format("{} around update {}; {}; try a lower learning-rate, a longer warm-up "
                  "(warmup-steps) or clip 1",
                  error.what(), progress_.step + 1, kept));
}

MetricsRecord Training::record(const std::string& split, const Metrics& metrics) const {
  MetricsRecord record{.step = progress_.step, .split = split};
  for (const auto& [name, value] : metrics) record.values.emplace_back(name, value);
  record.values.emplace_back("elapsed_s", elapsed());
  return record;
}

ReportInput Training::report() const {
  ReportInput report;
  const auto folder = std::filesystem::absolute(run_.folder / "x").lexically_normal().parent_path();
  report.title = run_.title.empty() ? folder.filename().string() : run_.title;
  std::vector<std::string> about;
  if (!run_.program.empty()) about.push_back(run_.program);
  if (!recipe_.empty()) about.push_back("recipe " + recipe_);
  if (!started_.empty()) about.push_back("begun " + started_);
  report.about = fmt::format("{}", fmt::join(about, " \xC2\xB7 "));
  report.config_text = run_.config_text;
  report.metric = goal_.metric;
  report.higher_is_better = goal_.higher_is_better;
  report.chance_level = goal_.chance;
  report.expected_band = make_band(options_.expect_at_least, options_.expect_at_most);
  report.facts = run_.facts;
  return report;
}

}  // namespace

TrainResult fit(Task& task, const TrainOptions& options, const Run& run,
                TrainingObserver& observer) {
  check(options);
  return Training(task, options, run, observer).run();
}

TrainResult fit(Task& task, const TrainOptions& options, const Run& run) {
  TrainingObserver nobody;
  return fit(task, options, run, nobody);
}

}  // namespace zoo
