#include "train/loop/weight_average.h"

#include <ATen/ops/_foreach_lerp.h>

#include <stdexcept>

namespace zoo {

WeightAverage::WeightAverage(torch::nn::Module& module, double decay) : decay_(decay) {
  if (!enabled()) return;
  for (const auto& item : module.named_parameters()) {
    names_.push_back(item.key());
    weights_.push_back(item.value().detach());
    average_.push_back(item.value().detach().clone());
  }
}

void WeightAverage::update() {
  if (enabled()) at::_foreach_lerp_(average_, weights_, 1.0 - decay_);
}

void WeightAverage::swap() {
  for (size_t i = 0; i < weights_.size(); ++i) {
    const auto kept = weights_[i].clone();
    weights_[i].copy_(average_[i]);
    average_[i].copy_(kept);
  }
}

std::map<std::string, torch::Tensor> WeightAverage::state() const {
  std::map<std::string, torch::Tensor> state;
  for (size_t i = 0; i < names_.size(); ++i) state[names_[i]] = average_[i];
  return state;
}

void WeightAverage::restore(const std::map<std::string, torch::Tensor>& state) {
  for (size_t i = 0; i < names_.size(); ++i) {
    const auto found = state.find(names_[i]);
    if (found == state.end())
      throw std::runtime_error("averaged weights: '" + names_[i] + "' is missing");
    average_[i].copy_(found->second);
  }
}

void MeanOfWeights::add(const torch::nn::Module& module) {
  const auto parameters = module.parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    const auto value = parameters[i].detach().to(torch::kDouble);
    if (sums_.size() <= i)
      sums_.push_back(value.clone());
    else
      sums_[i] += value;
  }
  ++count_;
}

void MeanOfWeights::copy_to(torch::nn::Module& module) const {
  const torch::NoGradGuard no_grad;
  auto parameters = module.parameters();
  for (size_t i = 0; i < parameters.size(); ++i)
    parameters[i].copy_(sums_[i] / static_cast<double>(count_));
}

}  // namespace zoo
