#include "train/trainer.h"

#include <ATen/Context.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <stdexcept>

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
  void loop();
  void finish();
  Update update();
  Metrics forward_backward(double& loss_sum, double& weight_sum, double& first_weight);
  void apply(Update& result, double divisor);
  void evaluate();
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
  if (run_.resume) {
    resume();
  } else {
    if (!folder_.holds_new_run()) folder_.create();
    write_file(folder_ / "run.toml", run_.config_text);
  }
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
               run_.resume ? std::optional<int64_t>(progress_.step) : std::nullopt);
  first_data_state_ = task_.data_state();
  result_.best_step = progress_.best_step;
  if (!run_.resume) evaluate();
}

void Training::resume() {
  const auto checkpoint = folder_.last();
  task_.load(checkpoint);
  progress_ = load_trainer_state(checkpoint, optimizer_, scaler_, average_, task_.model());
  task_.restore_data(progress_.data_state);
  saved_step_ = progress_.step;
}

void Training::loop() {
  while (progress_.step < options_.max_steps && !InterruptGuard::requested() &&
         !result_.stopped_early) {
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
  result_.interrupted = InterruptGuard::requested() && progress_.step < options_.max_steps;
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
    run_.inspect_first_gradients(task_.model());
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
  {
    std::optional<AveragedWeights> averaged;
    if (average_.enabled()) averaged.emplace(average_);
    const torch::NoGradGuard no_grad;
    task_.model().eval();
    metrics = task_.evaluate();
    if (metrics.contains(goal_.metric))
      check_finite(metrics.at(goal_.metric), "the validation " + goal_.metric);
    text = task_.sample();
    task_.model().train();
  }
  const auto found = metrics.find(goal_.metric);
  bool better = false;
  if (found != metrics.end()) {
    better = !progress_.best || (goal_.higher_is_better ? found->second > *progress_.best
                                                        : found->second < *progress_.best);
    log_->record(record("val", metrics));
    const auto line = fmt::format("step {:>6}  val {} {:.4f}{}", progress_.step, goal_.metric,
                                  found->second, better && progress_.step > 0 ? "  (best)" : "");
    if (bar_)
      bar_->print_above(line);
    else
      fmt::print("{}\n", line);
  }
  if (!text.empty()) log_->sample(progress_.step, text);
  if (better) {
    progress_.best = found->second;
    progress_.best_step = result_.best_step = progress_.step;
    progress_.evaluations_since_best = 0;
    result_.best_metrics = metrics;
  } else {
    ++progress_.evaluations_since_best;
  }
  result_.final_metrics = metrics;
  result_.stopped_early =
      options_.patience > 0 && progress_.evaluations_since_best >= options_.patience;
  const bool first_of_many =
      progress_.step == 0 && options_.max_steps > 0;  // untrained weights need no checkpoint
  if (!first_of_many && (better || options_.save_every == 0)) save(better);
  log_->write_report({});
}

void Training::save(bool is_best) {
  if (saved_step_ == progress_.step && !is_best) return;
  Progress now = progress_;
  now.elapsed_s = elapsed();
  now.data_state = task_.data_state();
  const int64_t keep = std::max(options_.keep, options_.average_last);
  folder_.save_checkpoint(progress_.step, is_best, keep, [&](const std::filesystem::path& folder) {
    {
      std::optional<AveragedWeights> averaged;
      if (average_.enabled()) averaged.emplace(average_);
      task_.save(folder);
    }
    save_trainer_state(folder, now, optimizer_, scaler_, average_, task_.model());
  });
  saved_step_ = progress_.step;
}

// Vaswani et al. 2017, §6.1 averaged the last checkpoints of each run.
void Training::average_checkpoints() {
  auto steps = folder_.checkpoint_steps();
  if (static_cast<int64_t>(steps.size()) > options_.average_last)
    steps.erase(steps.begin(), steps.end() - options_.average_last);
  const torch::NoGradGuard no_grad;
  const auto parameters = task_.model().parameters();
  std::vector<torch::Tensor> sums;
  for (const int64_t step : steps) {
    task_.load(folder_.checkpoint(step));
    for (size_t i = 0; i < parameters.size(); ++i) {
      const auto value = parameters[i].to(torch::kDouble);
      if (sums.size() <= i)
        sums.push_back(value);
      else
        sums[i] += value;
    }
  }
  for (size_t i = 0; i < parameters.size(); ++i)
    parameters[i].copy_(sums[i] / static_cast<double>(steps.size()));
  task_.model().eval();
  const auto metrics = task_.evaluate();
  task_.model().train();
  write_folder(folder_ / "averaged",
               [&](const std::filesystem::path& folder) { task_.save(folder); });
  if (metrics.contains(goal_.metric)) {
    fmt::print("average of the last {} checkpoints: val {} {:.4f} (in {})\n", steps.size(),
               goal_.metric, metrics.at(goal_.metric), (folder_ / "averaged").string());
    log_->record(record("averaged", metrics));
  }
}

void Training::finish() {
  if (options_.average_last > 0 && !result_.interrupted) average_checkpoints();
  result_.step = progress_.step;
  result_.verdict =
      judge({.goal = goal_,
             .expected_band = make_band(options_.expect_at_least, options_.expect_at_most),
             .best = progress_.best,
             .best_step = progress_.best_step,
             .interrupted = result_.interrupted,
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
