#include "train/loop/optimizer.h"

#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adamw.h>
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <stdexcept>

namespace zoo {

bool decays(std::string_view name, const torch::Tensor& parameter) {
  if (name.find("bias") != std::string_view::npos || parameter.dim() == 0) return false;
  return parameter.dim() >= 2 || !name.ends_with("weight");
}

AdamW::AdamW(const torch::nn::Module& module, const AdamWOptions& options, Processes* shards)
    : options_(options), shards_(shards != nullptr && shards->size() > 1 ? shards : nullptr) {
  for (const auto& item : module.named_parameters()) {
    const torch::Tensor& parameter = item.value();
    if (!parameter.requires_grad()) continue;
    slots_.push_back(
        {.name = item.key(),
         .parameter = parameter,
         .step = torch::zeros({}, parameter.options().dtype(torch::kFloat).requires_grad(false)),
         .decays = zoo::decays(item.key(), parameter)});
  }
  if (shards_ != nullptr) share_out();
  for (Slot& slot : slots_) {
    const auto zeros = [&] {
      if (owns(slot))
        return torch::zeros_like(slot.parameter, torch::MemoryFormat::Preserve).detach();
      return torch::zeros({}, slot.parameter.options().requires_grad(false))
          .expand(slot.parameter.sizes());
    };
    slot.exp_avg = zeros();
    slot.exp_avg_sq = zeros();
  }
}

/// The largest parameters first, each to the process that has least.
void AdamW::share_out() {
  std::vector<Slot*> by_size;
  for (Slot& slot : slots_) by_size.push_back(&slot);
  std::ranges::stable_sort(by_size, std::ranges::greater{},
                           [](const Slot* slot) { return slot->parameter.numel(); });
  std::vector<int64_t> loads(static_cast<size_t>(shards_->size()), 0);
  for (Slot* const slot : by_size) {
    const auto least = std::ranges::min_element(loads);
    slot->owner = least - loads.begin();
    *least += slot->parameter.numel();
  }
}

void AdamW::step(double learning_rate, double divisor) {
  const torch::NoGradGuard no_grad;
  // The kernel divides gradients by its grad_scale while it reads them: clipping costs no pass of
  // its own.
  torch::Tensor scale;
  if (divisor != 1.0 && !slots_.empty()) {
    scale = torch::full(
        {}, divisor, slots_.front().parameter.options().dtype(torch::kFloat).requires_grad(false));
  }
  step_group(true, learning_rate, scale);
  step_group(false, learning_rate, scale);
  if (shards_ == nullptr) return;
  for (int64_t owner = 0; owner < shards_->size(); ++owner) {
    std::vector<torch::Tensor> updated;
    for (const Slot& slot : slots_) {
      if (slot.owner == owner && slot.parameter.grad().defined())
        updated.push_back(slot.parameter.detach());
    }
    shards_->broadcast(updated, owner);
  }
}

void AdamW::step_group(bool decays, double learning_rate, const torch::Tensor& divisor) {
  std::vector<torch::Tensor> parameters, gradients, exp_avgs, exp_avg_sqs, steps;
  for (Slot& slot : slots_) {
    if (slot.decays != decays || !owns(slot) || !slot.parameter.grad().defined()) continue;
    parameters.push_back(slot.parameter);
    gradients.push_back(slot.parameter.grad());
    exp_avgs.push_back(slot.exp_avg);
    exp_avg_sqs.push_back(slot.exp_avg_sq);
    slot.step.add_(1);
    steps.push_back(slot.step);
  }
  if (parameters.empty()) return;
  at::_fused_adamw_(parameters, gradients, exp_avgs, exp_avg_sqs, /*max_exp_avg_sqs=*/{}, steps,
                    learning_rate, options_.beta1, options_.beta2,
                    decays ? options_.weight_decay : 0.0, options_.epsilon,
                    /*amsgrad=*/false, /*maximize=*/false,
                    divisor.defined() ? std::optional<torch::Tensor>(divisor) : std::nullopt);
}

void AdamW::zero_gradients() {
  for (Slot& slot : slots_) slot.parameter.mutable_grad() = torch::Tensor();
}

std::vector<torch::Tensor> AdamW::parameters() const {
  std::vector<torch::Tensor> parameters;
  for (const Slot& slot : slots_) parameters.push_back(slot.parameter);
  return parameters;
}

std::vector<torch::Tensor> AdamW::gradients() const {
  std::vector<torch::Tensor> gradients;
  for (const Slot& slot : slots_) {
    if (slot.parameter.grad().defined()) gradients.push_back(slot.parameter.grad());
  }
  return gradients;
}

double AdamW::gradient_norm() const {
  const auto all = gradients();
  if (all.empty()) return 0.0;
  return torch::stack(at::_foreach_norm(all)).norm().item<double>();
}

std::map<std::string, torch::Tensor> AdamW::state() const {
  std::map<std::string, torch::Tensor> state;
  for (const Slot& slot : slots_) {
    state["exp_avg." + slot.name] = slot.exp_avg;
    state["exp_avg_sq." + slot.name] = slot.exp_avg_sq;
    state["step." + slot.name] = slot.step;
  }
  return state;
}

std::map<std::string, torch::Tensor> AdamW::whole_state() const {
  auto whole = state();
  if (shards_ == nullptr) return whole;
  const torch::NoGradGuard no_grad;
  for (const Slot& slot : slots_) {
    std::vector<torch::Tensor> tensors = {slot.exp_avg, slot.exp_avg_sq, slot.step};
    if (!owns(slot)) {
      for (auto& tensor : tensors) tensor = torch::empty(tensor.sizes(), tensor.options());
    }
    shards_->broadcast(tensors, slot.owner);
    if (shards_->rank() != 0) continue;
    whole["exp_avg." + slot.name] = tensors[0];
    whole["exp_avg_sq." + slot.name] = tensors[1];
    whole["step." + slot.name] = tensors[2];
  }
  return whole;
}

int64_t AdamW::state_bytes() const {
  int64_t bytes = 0;
  for (const Slot& slot : slots_) {
    for (const auto& tensor : {slot.exp_avg, slot.exp_avg_sq, slot.step})
      bytes += static_cast<int64_t>(tensor.storage().nbytes());
  }
  return bytes;
}

void AdamW::restore(const std::map<std::string, torch::Tensor>& state) {
  const torch::NoGradGuard no_grad;
  const auto take = [&](const std::string& name, torch::Tensor& into) {
    const auto found = state.find(name);
    if (found == state.end())
      throw std::runtime_error(fmt::format("optimizer state: '{}' is missing", name));
    if (found->second.sizes() != into.sizes()) {
      throw std::runtime_error(
          fmt::format("optimizer state: '{}' has another shape than the model's", name));
    }
    into.copy_(found->second);
  };
  for (Slot& slot : slots_) {
    if (!owns(slot)) continue;
    take("exp_avg." + slot.name, slot.exp_avg);
    take("exp_avg_sq." + slot.name, slot.exp_avg_sq);
    take("step." + slot.name, slot.step);
  }
}

}  // namespace zoo
