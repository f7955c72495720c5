// An identity that gives an auxiliary loss its gradient when the gradient of the output passes.
#include "models/layers/auxiliary_losses.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <utility>

#include "models/layers/batch_shard.h"

namespace zoo {
namespace {

thread_local AuxiliaryLosses* newest = nullptr;
thread_local bool is_first_run = false;                   // of a computation that will run again
thread_local const AuxiliaryRerun* second_run = nullptr;  // null: this is none

struct TieLoss : torch::autograd::Function<TieLoss> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& y,
                               const torch::Tensor& /*loss*/, const torch::Tensor& times) {
    context->saved_data["times"] = times;  // not a copy: its value is that of the backward pass
    return y;
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    return {gradients[0], context->saved_data["times"].toTensor(), torch::Tensor()};
  }
};

}  // namespace

AuxiliaryLosses::AuxiliaryLosses(torch::Device device)
    : outer_(newest), times_(torch::ones({}, torch::TensorOptions(device).dtype(torch::kDouble))) {
  newest = this;
}

AuxiliaryLosses::~AuxiliaryLosses() { newest = outer_; }

AuxiliaryLosses* AuxiliaryLosses::current() { return newest; }

void AuxiliaryLosses::count(const torch::Tensor& times) {
  const torch::NoGradGuard no_grad;
  times_.copy_(times);
}

std::map<std::string, double> AuxiliaryLosses::means(const Sum& sum) const {
  std::vector<double> sums;
  for (const auto& [name, of_name] : sums_)
    sums.insert(sums.end(), {of_name.first.item<double>(), of_name.second});
  if (sum) sums = sum(sums);
  std::map<std::string, double> means;
  size_t next = 0;
  for (const auto& [name, of_name] : sums_) {
    means[name] = sums[next] / sums[next + 1];
    next += 2;
  }
  return means;
}

void AuxiliaryLosses::record(const std::string& name, const torch::Tensor& value) {
  auto& [sum, shares] = sums_[name];
  const auto part = value.detach().to(torch::kDouble) * share_;
  sum = sum.defined() ? sum + part : part;
  const BatchShard* const shard = BatchShardGuard::current();
  shares += shard == nullptr ? share_ : share_ / static_cast<double>(shard->size);
}

AuxiliaryShare::AuxiliaryShare(double share) : of_(newest) {
  if (of_ != nullptr) before_ = std::exchange(of_->share_, of_->share_ * share);
}

AuxiliaryShare::~AuxiliaryShare() {
  if (of_ != nullptr) of_->share_ = before_;
}

AuxiliaryRerun::AuxiliaryRerun() {
  if (newest == nullptr) return;
  times_ = newest->times_;
  share_ = newest->share_;
}

AuxiliaryRerun::First::First()
    : before_(std::exchange(is_first_run, torch::GradMode::is_enabled())) {}
AuxiliaryRerun::First::~First() { is_first_run = before_; }

AuxiliaryRerun::Second::Second(const AuxiliaryRerun& losses)
    : before_(std::exchange(second_run, &losses)) {}
AuxiliaryRerun::Second::~Second() { second_run = before_; }

torch::Tensor with_auxiliary_loss(const torch::Tensor& y, const std::string& name, double weight,
                                  const std::function<torch::Tensor()>& loss) {
  const bool with_gradients = torch::GradMode::is_enabled();
  if (second_run != nullptr) {
    const torch::Tensor& times = second_run->times_;
    if (!times.defined() || !with_gradients) return y;
    return TieLoss::apply(y, loss() * (weight * second_run->share_), times);
  }
  AuxiliaryLosses* const taker = AuxiliaryLosses::current();
  if (taker == nullptr || !(with_gradients || is_first_run)) return y;
  const auto value = loss();
  taker->record(name, value);
  if (!with_gradients) return y;
  return TieLoss::apply(y, value * (weight * taker->share_), taker->times_);
}

}  // namespace zoo
