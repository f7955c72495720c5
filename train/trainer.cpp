#include "train/trainer.h"

#include <ATen/Context.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "app/files.h"
#include "app/interrupt.h"
#include "app/progress_bar.h"
#include "train/optimizer.h"
#include "train/run_folder.h"
#include "train/run_log.h"
#include "train/trainer_state.h"

namespace zoo {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

torch::Device device_of(torch::nn::Module& module) {
  const auto parameters = module.parameters();
  return parameters.empty() ? torch::Device(torch::kCPU) : parameters.front().device();
}

class Training {
 public:
  Training(Task& task, const TrainOptions& options, const Run& run);
  TrainResult run();

 private:
  struct Update {
    double loss = 0.0, weight = 0.0, gradient_norm = 0.0, learning_rate = 0.0, seconds = 0.0;
    Metrics metrics;
  };
  void begin();
  void resume();
  void leave_extra_evaluation();
  bool out_of_patience() const;
  void loop();
  void finish();
  Update update();
  Metrics forward_backward(double& loss_sum, double& weight_sum, double& first_weight);
  void apply(Update& result, double divisor);
  void evaluate();
  bool take_standing(const Metrics& metrics);
  void save(bool is_best);
  void average_checkpoints();
  void log_update(const Update& update);
  void check_finite(double value, const std::string& what);
  double elapsed() const { return progress_.elapsed_s + seconds_since(began_); }
  MetricsRecord record(const std::string& split, const Metrics& metrics) const;

  Task& task_;
  TrainOptions options_;
  const Run& run_;
  Goal goal_;
  RunFolder folder_;
  torch::Device device_;
  AdamW optimizer_;
  LossScaler scaler_;
  WeightAverage average_;
  Progress progress_;
  Clock::time_point began_ = Clock::now();
  std::optional<RunLog> log_;
  std::optional<ProgressBar> bar_;
  std::string first_data_state_;
  int64_t saved_step_ = -1;
  bool drop_evaluation_ = false;         // the one that resume() left behind
  std::optional<int64_t> off_schedule_;  // a checkpoint that a run without stops would not have
  double last_loss_ = std::nan("");
  double recent_weight_ = 0.0,
         recent_seconds_ = 0.0;  // of the last twenty updates or so: the speed shown
  TrainResult result_;
};

Training::Training(Task& task, const TrainOptions& options, const Run& run)
    : task_(task),
      options_(options),
      run_(run),
      goal_(task.goal()),
      folder_(run.folder),
      device_(device_of(task.model())),
      optimizer_(task.model(), {.beta1 = options.beta1,
                                .beta2 = options.beta2,
                                .epsilon = options.adam_epsilon,
                                .weight_decay = options.weight_decay}),
      scaler_(options.precision == Precision::kFp16, device_),
      average_(task.model(), options.ema_decay) {
  if (options_.schedule.steps == 0) options_.schedule.steps = options_.max_steps;
}

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
  log_.emplace(folder_, std::move(report),
               run_.resume ? std::optional<int64_t>(progress_.step) : std::nullopt,
               drop_evaluation_);
  first_data_state_ = task_.data_state();
  const bool unmeasured_end =
      progress_.step >= options_.max_steps && progress_.evaluated_step != progress_.step;
  if (!run_.resume || unmeasured_end) {
    evaluate();
    if (run_.resume) saved_step_ = -1;  // the state has changed: save it again
  }
}

void Training::resume() {
  const auto checkpoint = folder_.last();
  task_.load(checkpoint);
  progress_ = load_trainer_state(checkpoint, optimizer_, scaler_, average_, task_.model());
  try {
    task_.restore_data(progress_.data_state);
  } catch (const std::runtime_error& e) {
    throw std::runtime_error(
        damaged_state(checkpoint / "trainer_state" / "progress.json", e.what()));
  }
  saved_step_ = progress_.step;
  result_.updates = -progress_.step;
  if (options_.max_steps < progress_.step) {
    throw std::invalid_argument(
        fmt::format("the run is at step {} already, past --max-steps {}; name a larger one",
                    progress_.step, options_.max_steps));
  }
  if (progress_.step < options_.max_steps) leave_extra_evaluation();
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
    const Update done = update();
    if (progress_.step % options_.log_every == 0) log_update(done);
    recent_weight_ = 0.95 * recent_weight_ + done.weight;
    recent_seconds_ = 0.95 * recent_seconds_ + done.seconds;
    bar_->update(progress_.step,
                 fmt::format("loss {:.4f}  lr {:.2e}  {:.0f} {}/s", done.loss, done.learning_rate,
                             recent_weight_ / recent_seconds_, task_.unit()));
    const bool last = progress_.step == options_.max_steps;
    if (progress_.step % options_.evaluate_every == 0 || last) evaluate();
    if (options_.save_every > 0 && progress_.step % options_.save_every == 0) save(false);
  }
  const bool before_the_end = progress_.step < options_.max_steps;
  result_.stopped_early = before_the_end && out_of_patience();
  result_.interrupted = before_the_end && !result_.stopped_early && InterruptGuard::requested();
  save(false);
}

Training::Update Training::update() {
  const auto start = Clock::now();
  if (options_.overfit_one_batch) task_.restore_data(first_data_state_);
  optimizer_.zero_gradients();
  Update result;
  double loss_sum = 0.0, first_weight = 0.0;
  result.metrics = forward_backward(loss_sum, result.weight, first_weight);
  if (result.weight <= 0.0)
    throw std::runtime_error("training: a batch held nothing to learn from (weight 0)");
  result.loss = last_loss_ = loss_sum / result.weight;
  check_finite(result.loss, "the loss");
  apply(result, result.weight / first_weight);
  ++progress_.step;
  result.seconds = seconds_since(start);
  return result;
}

// Gradients are those of sum(loss) / first_weight; apply() divides by what is missing to the
// weighted mean.
Metrics Training::forward_backward(double& loss_sum, double& weight_sum, double& first_weight) {
  torch::Tensor total;  // stays on the device: one wait an update
  Metrics metrics;
  const Backward backward = [&](const torch::Tensor& loss, double weight) {
    if (weight <= 0.0) return;
    // Autocast is for the forward pass; backward uses the types that forward chose.
    const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
    if (first_weight == 0.0) first_weight = weight;
    weight_sum += weight;
    total = total.defined() ? total + loss.detach() : loss.detach();
    scaler_.scale_loss(loss / first_weight).backward();
  };
  for (int64_t n = 0; n < options_.accumulate; ++n) {
    const AutocastGuard autocast(options_.precision, device_.type());
    metrics = task_.step(backward);
  }
  if (total.defined()) loss_sum = total.item<double>();
  return metrics;
}

// Data-parallel training sums gradients over its ranks at the head of this function.
void Training::apply(Update& result, double divisor) {
  auto gradients = optimizer_.gradients();
  const bool fits = scaler_.unscale(gradients);
  if (progress_.step == 0 && run_.inspect_first_gradients)
    run_.inspect_first_gradients(task_.model(), divisor);
  result.learning_rate =
      options_.learning_rate * schedule_factor(options_.schedule, progress_.step);
  if (fits) {
    result.gradient_norm = optimizer_.gradient_norm() / divisor;
    check_finite(result.gradient_norm, "the gradient");
    if (options_.clip > 0.0 && result.gradient_norm > options_.clip)
      divisor *= result.gradient_norm / options_.clip;
    optimizer_.step(result.learning_rate, divisor);
    average_.update();
  }
  scaler_.update();
}

void Training::check_finite(double value, const std::string& what) {
  if (std::isfinite(value)) return;
  if (bar_) bar_->finish();
  const std::string kept = saved_step_ < 0
                               ? std::string("no checkpoint was written yet")
                               : fmt::format("the checkpoint of step {} is intact", saved_step_);
  throw std::runtime_error(
      fmt::format("{} became {} around update {}; {}; try a lower --learning-rate, a longer "
                  "--warmup-steps or --clip 1",
                  what, value, progress_.step + 1, kept));
}

void Training::evaluate() {
  Metrics metrics;
  std::string text;
  std::vector<ReportPicture> pictures;
  {
    std::optional<AveragedWeights> averaged;
    if (average_.enabled()) averaged.emplace(average_);
    const torch::NoGradGuard no_grad;
    task_.model().eval();
    metrics = task_.evaluate();
    if (metrics.contains(goal_.metric))
      check_finite(metrics.at(goal_.metric), "the validation " + goal_.metric);
    text = task_.sample();
    pictures = task_.pictures();
    task_.model().train();
  }
  const bool better = take_standing(metrics);
  if (!text.empty()) log_->sample(progress_.step, text);
  log_->pictures(std::move(pictures));
  result_.final_metrics = metrics;
  // Untrained weights need no checkpoint where training follows.
  const bool untrained = progress_.step == 0 && options_.max_steps > 0 && !run_.starts_trained;
  if (!untrained && (better || options_.save_every == 0)) save(better);
  log_->write_report({});
}

// Records what was measured; true where it is the best so far. Without a measure nothing is better
// or worse.
bool Training::take_standing(const Metrics& metrics) {
  const bool extra = progress_.step % options_.evaluate_every != 0;  // the last step's
  progress_.scheduled = extra ? std::optional(progress_.standing) : std::nullopt;
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
  Progress now = progress_;
  now.elapsed_s = elapsed();
  now.data_state = task_.data_state();
  Retention retention{.newest = std::max(options_.keep, options_.average_last),
                      .discard = off_schedule_};
  if (progress_.scheduled) retention.spare = progress_.scheduled->best_step;
  const auto fill = [&](const std::filesystem::path& folder) {
    {
      std::optional<AveragedWeights> averaged;
      if (average_.enabled()) averaged.emplace(average_);
      task_.save(folder);
    }
    save_trainer_state(folder, now, optimizer_, scaler_, average_, task_.model());
  };
  folder_.save_checkpoint(progress_.step, is_best, retention, fill);
  off_schedule_.reset();
  saved_step_ = progress_.step;
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
  const torch::NoGradGuard no_grad;
  task_.model().eval();
  const auto metrics = task_.evaluate();
  task_.model().train();
  write_folder(folder_ / "averaged",
               [&](const std::filesystem::path& folder) { task_.save(folder); });
  if (!metrics.contains(goal_.metric)) return;
  const auto name = fmt::format("average of the last {} checkpoints", steps.size());
  const auto value =
      fmt::format("val {} {:.4f} (in averaged/)", goal_.metric, metrics.at(goal_.metric));
  fmt::print("{}: {}\n", name, value);
  log_->fact(name, value);
}

void Training::finish() {
  if (options_.average_last > 0 && !result_.interrupted) average_checkpoints();
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
