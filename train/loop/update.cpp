// The gradient of an update is that of sum(loss) / sum(weight) over all micro-batches of all
// processes. Both sums are known only at the end, so each loss is divided by the weight of the
// first backward pass in all processes, and the summed gradient by what is missing.
#include "train/loop/update.h"

#include <c10/core/impl/LocalDispatchKeySet.h>
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <map>
#include <vector>

#include "base/interrupt.h"
#include "base/printable.h"
#include "models/experts/expert_statistics.h"
#include "models/layers/auxiliary_losses.h"
#include "train/loop/random_state.h"
#include "train/objectives/meter.h"

namespace zoo {
namespace {

torch::Device device_of(const torch::nn::Module& module) {
  const auto parameters = module.parameters();
  return parameters.empty() ? torch::Device(torch::kCPU) : parameters.front().device();
}

void check_finite(double value, const std::string& what) {
  if (!std::isfinite(value)) throw NotFinite(what, value);
}

/// What forward passes change; taken back where an update is given up halfway.
class Snapshot {
 public:
  explicit Snapshot(Task& task)
      : task_(task), data_(task.data_state()), carried_(task.carried()), random_(random_state()) {
    for (const auto& buffer : task.model().buffers()) buffers_.push_back(buffer.clone());
  }
  void restore() const {
    const torch::NoGradGuard no_grad;
    task_.restore_data(data_);
    task_.restore_carried(carried_);
    restore_random_state(random_);
    auto buffers = task_.model().buffers();
    for (size_t i = 0; i < buffers.size(); ++i) buffers[i].copy_(buffers_[i]);
  }

 private:
  Task& task_;
  std::string data_;
  NamedTensors carried_;
  std::map<std::string, torch::Tensor> random_;
  std::vector<torch::Tensor> buffers_;
};

}  // namespace

NotFinite::NotFinite(const std::string& what, double value)
    : std::runtime_error(fmt::format("{} became {}", what, printable(value))) {}

Updater::Updater(Task& task, const TrainOptions& options)
    : task_(task),
      options_(options),
      device_(device_of(task.model())),
      optimizer_(task.model(),
                 {.beta1 = options.beta1,
                  .beta2 = options.beta2,
                  .epsilon = options.adam_epsilon,
                  .weight_decay = options.weight_decay},
                 options.shard_optimizer ? &task.processes() : nullptr),
      scaler_(options.precision == Precision::kFp16, device_),
      average_(task.model(), options.ema_decay),
      gradient_sum_(options.overlap_gradients
                        ? task.processes().gradient_sum(optimizer_.parameters())
                        : nullptr) {}

std::optional<Update> Updater::update(int64_t step) {
  const auto start = std::chrono::steady_clock::now();
  const ProcessTraffic before = processes().traffic();
  summing_ = false;
  if (options_.overfit_one_batch) task_.restore_data(first_data_state_);
  Update result;
  Sums sums;
  if (!forward_backward(result, sums)) return {};
  result.weight = sums.weight;
  result.loss = sums.loss / sums.weight;
  check_finite(result.loss, "the loss");
  apply(result, step, sums.weight / sums.scale);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const ProcessTraffic now = processes().traffic();
  result.traffic = {.seconds_waited = now.seconds_waited - before.seconds_waited,
                    .bytes = now.bytes - before.bytes};
  return result;
}

/// The last one of an update sums up over processes on the way.
void Updater::backward(const torch::Tensor& loss, bool is_last) {
  if (is_last && gradient_sum_ != nullptr && !task_.differentiates_in_parts()) {
    gradient_sum_->begin(loss);
    summing_ = true;
  }
  loss.backward();
}

/// Until there is something to learn from; false where a signal came first.
bool Updater::forward_backward(Update& result, Sums& sums) {
  constexpr int kMostInARow = 1000;
  for (int tries = 0; tries < kMostInARow; ++tries) {
    optimizer_.zero_gradients();
    if (!micro_batches(result, sums)) return false;
    if (sums.weight > 0.0) return true;
    if (options_.overfit_one_batch)
      throw std::runtime_error("overfit-one-batch: the first batch holds nothing to learn from");
    if (processes().any(InterruptGuard::requested())) return false;
  }
  throw std::runtime_error(
      fmt::format("{} batches in a row held nothing to learn from: no target in them counts; look "
                  "at the data, as the model's tokenizer reads it",
                  kMostInARow * options_.accumulate));
}

/// `accumulate` of them; false where a signal came in between.
bool Updater::micro_batches(Update& result, Sums& sums) {
  std::optional<Snapshot> before;
  if (options_.accumulate > 1) before.emplace(task_);
  AuxiliaryLosses auxiliary(device_);
  ExpertStatistics experts;
  const auto in_double = torch::TensorOptions(device_).dtype(torch::kDouble);
  DeviceSum loss_sum(std::nullopt);  // one wait for the device an update
  bool is_last = false;
  double weight_sum = 0.0;
  const Backward count_and_differentiate = [&](const torch::Tensor& loss, double weight) {
    const double of_all = processes().sum({weight}).front();
    if (!(of_all > 0.0)) return;
    if (sums.scale == 0.0) sums.scale = of_all;
    // Autocast is for the forward pass; backward uses the types that forward chose.
    const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
    weight_sum += of_all;
    loss_sum.add(loss);
    auxiliary.count(scaler_.scale_loss(torch::full({}, of_all / sums.scale, in_double)));
    backward(scaler_.scale_loss(loss / sums.scale), is_last);
  };
  int64_t skipped = 0;
  for (int64_t n = 0; n < options_.accumulate; ++n) {
    if (n > 0 && processes().any(InterruptGuard::requested())) {
      before->restore();
      return false;
    }
    const double weight_before = weight_sum;
    is_last = n + 1 == options_.accumulate;
    const AutocastGuard autocast(options_.precision, device_.type());
    result.metrics = task_.step(count_and_differentiate);
    if (weight_sum == weight_before) ++skipped;
  }
  const auto sum = [&](const std::vector<double>& values) { return processes().sum(values); };
  sums.loss = sum({loss_sum.value()}).front();
  sums.weight = weight_sum;
  experts.sum_over([&](const auto& tensors) { processes().all_reduce_sum(tensors); });
  for (const auto& means : {auxiliary.means(sum), experts.means()})
    for (const auto& [name, mean] : means) result.metrics[name] = mean;
  skipped_batches_ += skipped;
  return true;
}

void Updater::apply(Update& result, int64_t step, double divisor) {
  if (summing_)
    gradient_sum_->finish();
  else if (processes().size() > 1)
    sum_gradients();
  auto gradients = optimizer_.gradients();
  const bool fits = scaler_.unscale(gradients);
  if (step == 0 && inspect_) inspect_(task_.model(), divisor);
  result.learning_rate = options_.learning_rate * schedule_factor(options_.schedule, step);
  if (fits) {
    // The first process's: others may round otherwise.
    const double norm = optimizer_.gradient_norm();
    result.gradient_norm =
        processes().sum({processes().rank() == 0 ? norm : 0.0}).front() / divisor;
    check_finite(result.gradient_norm, "the gradient");
    if (options_.clip > 0.0 && result.gradient_norm > options_.clip)
      divisor *= result.gradient_norm / options_.clip;
    optimizer_.step(result.learning_rate, divisor);
    average_.update();
  }
  scaler_.update();
}

/// A parameter that one process did not use has the others' gradient; one that none used has none.
void Updater::sum_gradients() {
  const auto parameters = optimizer_.parameters();
  std::vector<double> used;
  for (const auto& parameter : parameters) used.push_back(parameter.grad().defined() ? 1.0 : 0.0);
  used = processes().sum(used);
  std::vector<torch::Tensor> gradients;
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (used[i] == 0.0) continue;
    auto& gradient = parameters[i].mutable_grad();
    if (!gradient.defined()) gradient = torch::zeros_like(parameters[i]);
    gradients.push_back(gradient);
  }
  processes().all_reduce_sum(gradients);
}

}  // namespace zoo
